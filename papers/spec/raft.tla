-------------------------------- MODULE raft --------------------------------
(***************************************************************************)
(* Consensus on one log as core/raft does it, for few replicas, short logs *)
(* and few terms.  README.md says what is modelled and what is not, and    *)
(* which function each action stands for.                                  *)
(*                                                                         *)
(* Logs are whole here, from index 1: what lies before start[s] is kept    *)
(* for the properties to look at, and no action looks at it.               *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Server,         \* replicas
    Initial,        \* those who vote at first
    Targets,        \* sets of voters that somebody may want
    Nobody,
    MaxTerm, MaxLength, MaxCrashes,
    Ahead,          \* frames that are sent before one is acknowledged
    MaxLosses,      \* frames that disks lose though they were durable
    Starts,         \* TRUE: logs lose their beginning
    Rests,          \* TRUE: what is durable is claimed when a log rests
    Lazy,           \* TRUE: an acknowledgement does not wait for the disk
    Mistake         \* a rule that is broken, or "none"

VARIABLES
    memory,     \* term and vote, as a process knows them
    hard,       \* term, vote and claim, as its disk knows them
    held,       \* messages that wait for the disk to know the term and the vote
    role,
    log,        \* entries [term, what, voters, outgoing, upto]
    flushed,    \* how much of it is durable
    start,      \* the last index before the log
    commit,
    messages,   \* all that were ever sent: any may be late, doubled or lost
    crashes, losses,
    done        \* every entry that was ever committed, by index, and in which term

vars == <<memory, hard, held, role, log, flushed, start, commit, messages, crashes, losses,
          done>>
disks == <<crashes, losses>>

Broken(rule) == Mistake = rule
Max(a, b) == IF a > b THEN a ELSE b
Min(a, b) == IF a < b THEN a ELSE b

-----------------------------------------------------------------------------
(* Entries, configurations, positions. *)

NoVoters == {}
Entry(term, what, voters, outgoing, upto) ==
    [term |-> term, what |-> what, voters |-> voters, outgoing |-> outgoing, upto |-> upto]
Plain(term, what) == Entry(term, what, NoVoters, NoVoters, 0)

TermAt(l, index) == IF index = 0 THEN 0 ELSE l[index].term
Position(l, index) == [index |-> index, term |-> TermAt(l, index)]
Last(s) == Position(log[s], Len(log[s]))
\* A log that ends at a holds all that one that ends at b can have committed.
UpToDate(a, b) == a.term > b.term \/ (a.term = b.term /\ a.index >= b.index)

\* The last configuration up to an index of a log; in force when appended.
Configs(l, upto) == {index \in 1..upto : l[index].what = "config"}
ConfigIndex(l, upto) ==
    IF Configs(l, upto) = {} THEN 0
    ELSE CHOOSE index \in Configs(l, upto) : \A other \in Configs(l, upto) : other <= index
ConfigOf(l, upto) ==
    IF ConfigIndex(l, upto) = 0 THEN [voters |-> Initial, outgoing |-> NoVoters]
    ELSE [voters |-> l[ConfigIndex(l, upto)].voters,
          outgoing |-> l[ConfigIndex(l, upto)].outgoing]
Config(s) == ConfigOf(log[s], Len(log[s]))
Voters(config) == config.voters \union config.outgoing

Majority(set, of) ==
    IF Broken("half") THEN 2 * Cardinality(set \intersect of) >= Cardinality(of)
    ELSE 2 * Cardinality(set \intersect of) > Cardinality(of)
\* Both sets of a joint configuration have to agree.
Quorum(set, config) ==
    /\ Majority(set, config.voters)
    /\ config.outgoing = NoVoters \/ Broken("one set") \/ Majority(set, config.outgoing)

\* What it once said to be durable, whatever its disk has now.
Claim(s) == IF UpToDate(Position(log[s], flushed[s]), hard[s].claimed)
            THEN Position(log[s], flushed[s]) ELSE hard[s].claimed
ClaimOrLast(s) ==
    IF UpToDate(Last(s), hard[s].claimed) \/ Broken("forgets its claim")
    THEN Last(s) ELSE hard[s].claimed
Known(s) == hard[s].term = memory[s].term /\ hard[s].vote = memory[s].vote

-----------------------------------------------------------------------------
Init ==
    /\ memory = [s \in Server |-> [term |-> 0, vote |-> Nobody]]
    /\ hard = [s \in Server |->
          [term |-> 0, vote |-> Nobody, claimed |-> [index |-> 0, term |-> 0]]]
    /\ held = [s \in Server |-> {}]
    /\ role = [s \in Server |-> "follower"]
    /\ log = [s \in Server |-> <<>>]
    /\ flushed = [s \in Server |-> 0]
    /\ start = [s \in Server |-> 0]
    /\ commit = [s \in Server |-> 0]
    /\ messages = {}
    /\ crashes = 0
    /\ losses = 0
    /\ done = <<>>

\* A message leaves at once if the disk knows what it reveals, or else with it.
Say(s, set) ==
    IF Broken("says before its disk knows")
    THEN messages' = messages \union set /\ held' = held
    ELSE held' = [held EXCEPT ![s] = @ \union set] /\ messages' = messages

-----------------------------------------------------------------------------
(* Elections. *)

\* What is known to be committed decides too: who would be removed by a frame
\* that is not committed may have the only copy of the newest log.
MayLead(s) ==
    /\ \/ s \in Voters(Config(s))
       \/ s \in Voters(ConfigOf(log[s], commit[s]))
    /\ UpToDate(Last(s), hard[s].claimed)

Timeout(s) ==
    /\ role[s] # "leader"
    /\ memory[s].term < MaxTerm
    /\ MayLead(s)
    /\ memory' = [memory EXCEPT ![s] = [term |-> @.term + 1, vote |-> s]]
    /\ role' = [role EXCEPT ![s] = "candidate"]
    /\ Say(s, {[kind |-> "vote?", from |-> s, term |-> memory[s].term + 1, last |-> Last(s)]})
    /\ UNCHANGED <<hard, log, flushed, start, commit, disks, done>>

\* The record of term, vote and claim is durable; what waited for it leaves.
Persist(s) ==
    /\ ~Known(s)
    /\ hard' = [hard EXCEPT ![s] =
          [term |-> memory[s].term, vote |-> memory[s].vote, claimed |-> Claim(s)]]
    /\ messages' = messages \union held[s]
    /\ held' = [held EXCEPT ![s] = {}]
    /\ UNCHANGED <<memory, role, log, flushed, start, commit, disks, done>>

\* A log that rests is claimed whole.
Rest(s) ==
    /\ Rests
    /\ Known(s)
    /\ flushed[s] = Len(log[s])
    /\ Claim(s) # hard[s].claimed
    /\ hard' = [hard EXCEPT ![s].claimed = Claim(s)]
    /\ UNCHANGED <<memory, held, role, log, flushed, start, commit, messages, disks, done>>

\* A later term was heard of.
Follow(s, m) ==
    /\ m.term > memory[s].term
    /\ memory' = [memory EXCEPT ![s] = [term |-> m.term, vote |-> Nobody]]
    /\ role' = [role EXCEPT ![s] = "follower"]
    /\ held' = [held EXCEPT ![s] = {}]
    /\ UNCHANGED <<hard, log, flushed, start, commit, messages, disks, done>>

MayVote(s, m) ==
    /\ m.kind = "vote?"
    /\ m.from # s
    /\ m.term = memory[s].term
    /\ role[s] = "follower"
    /\ UpToDate(m.last, ClaimOrLast(s))

Vote(s, m) ==
    /\ MayVote(s, m)
    /\ memory[s].vote = Nobody \/ Broken("votes twice")
    /\ memory' = [memory EXCEPT ![s].vote = m.from]
    /\ Say(s, {[kind |-> "vote", from |-> s, to |-> m.from, term |-> m.term]})
    /\ UNCHANGED <<hard, role, log, flushed, start, commit, disks, done>>

\* Whose votes arrived; its own counts when its disk knows it.
Votes(s) == {t \in Server : IF t = s THEN Known(s) ELSE
    [kind |-> "vote", from |-> t, to |-> s, term |-> memory[s].term] \in messages}

Wins(s) ==
    /\ role[s] = "candidate"
    /\ memory[s].vote = s
    /\ Quorum(Votes(s), Config(s))

\* It leads, and appends the first frame of its reign.
BecomeLeader(s) ==
    /\ Wins(s)
    /\ Len(log[s]) < MaxLength
    /\ role' = [role EXCEPT ![s] = "leader"]
    /\ log' = [log EXCEPT ![s] = Append(@, Plain(memory[s].term, "noop"))]
    /\ UNCHANGED <<memory, hard, held, flushed, start, commit, messages, disks, done>>

-----------------------------------------------------------------------------
(* Replication. *)

AppendOwn(s, entry) ==
    /\ role[s] = "leader"
    /\ Len(log[s]) < MaxLength
    /\ log' = [log EXCEPT ![s] = Append(@, entry)]
    /\ UNCHANGED <<memory, hard, held, role, flushed, start, commit, messages,
                   disks, done>>

Propose(s) == AppendOwn(s, Plain(memory[s].term, "data"))

\* What a leader was told of a follower.
Acks(s, t) == {m.index : m \in {m \in messages :
    m.kind = "appended" /\ m.from = t /\ m.to = s /\ m.term = memory[s].term}}
Matched(s, t) == IF Acks(s, t) = {} THEN 0
    ELSE CHOOSE index \in Acks(s, t) : \A other \in Acks(s, t) : other <= index

\* One frame to one follower: what is known to be there is not sent again, and a
\* few may be under way. Those sent before may arrive at any time.
Send(s, t, index) ==
    /\ role[s] = "leader"
    /\ t # s
    /\ index > start[s] /\ index <= Len(log[s])
    /\ index > Matched(s, t) /\ index <= Max(Matched(s, t), start[s]) + Ahead
    /\ messages' = messages \union
         {[kind |-> "append", from |-> s, to |-> t, term |-> memory[s].term,
           prev |-> Position(log[s], index - 1), entries |-> <<log[s][index]>>,
           commit |-> commit[s]]}
    /\ UNCHANGED <<memory, hard, held, role, log, flushed, start, commit,
                   disks, done>>

\* Everything above an index goes: less is claimed first, durably.
Cut(t, index) ==
    /\ hard' = [hard EXCEPT ![t].claimed =
          IF @.index > index THEN Position(log[t], index) ELSE @]
    /\ flushed' = [flushed EXCEPT ![t] = Min(@, index)]

\* The last frame of a message, and the first of them that is not in a log as it is
\* sent: the one behind them, where all are.
Upto(m) == m.prev.index + Len(m.entries)
FirstOther(l, m) ==
    LET others == {index \in (m.prev.index + 1)..Upto(m) :
          index > Len(l) \/ l[index].term # m.entries[index - m.prev.index].term}
    IN IF others = {} THEN Upto(m) + 1
       ELSE CHOOSE index \in others : \A other \in others : index <= other

\* What is the same stays, and what is behind it.
Appended(l, m) ==
    LET first == FirstOther(l, m)
    IN IF first > Upto(m) THEN l
       ELSE SubSeq(l, 1, first - 1)
            \o SubSeq(m.entries, first - m.prev.index, Len(m.entries))

Conflicts(l, m) == FirstOther(l, m) <= Min(Len(l), Upto(m))

Receive(t, m) ==
    LET upto == Upto(m)
        first == FirstOther(log[t], m)
        conflict == Conflicts(log[t], m)
        after == Appended(log[t], m)
        durable == IF conflict THEN Min(flushed[t], first - 1) ELSE flushed[t]
        ack == [kind |-> "appended", from |-> t, to |-> m.from, term |-> m.term,
                index |-> upto]
        says == (upto <= durable \/ Lazy \/ Broken("answers before its disk has it"))
                /\ hard[t].term = memory[t].term
    IN
    /\ m.kind = "append"
    /\ m.to = t
    /\ m.term = memory[t].term
    /\ role[t] # "leader"
    /\ m.prev.index >= start[t]
    /\ m.prev.index <= Len(log[t])
    /\ TermAt(log[t], m.prev.index) = m.prev.term \/ Broken("appends anywhere")
    /\ conflict => hard[t].term = memory[t].term
    /\ role' = [role EXCEPT ![t] = "follower"]
    /\ log' = [log EXCEPT ![t] = after]
    /\ IF conflict THEN Cut(t, first - 1) ELSE UNCHANGED <<hard, flushed>>
    /\ commit' = [commit EXCEPT ![t] = Max(@, Min(m.commit, upto))]
    /\ messages' = IF says THEN messages \union {ack} ELSE messages
    /\ UNCHANGED <<memory, held, start, disks, done>>

Flush(s) ==
    /\ flushed[s] < Len(log[s])
    /\ flushed' = [flushed EXCEPT ![s] = Len(log[s])]
    /\ UNCHANGED <<memory, hard, held, role, log, start, commit, messages,
                   disks, done>>

\* What a majority of every set has durable, up to a frame of this reign; the
\* leader counts itself by its own disk.
Commit(s, index) ==
    LET own == IF Lazy \/ Broken("counts itself before its disk") THEN Len(log[s])
               ELSE flushed[s]
        have == {t \in Server : (IF t = s THEN own ELSE Matched(s, t)) >= index}
    IN
    /\ role[s] = "leader"
    /\ index > commit[s] /\ index <= Len(log[s])
    /\ log[s][index].term = memory[s].term \/ Broken("commits an earlier term")
    /\ Quorum(have, Config(s))
    /\ commit' = [commit EXCEPT ![s] = index]
    /\ done' = IF index > Len(done)
               THEN done \o [new \in 1..(index - Len(done)) |->
                  [entry |-> log[s][Len(done) + new], by |-> memory[s].term]]
               ELSE done
    /\ UNCHANGED <<memory, hard, held, role, log, flushed, start, messages,
                   disks>>

-----------------------------------------------------------------------------
(* Voters. *)

FirstOfReign(s) == CHOOSE index \in 1..Len(log[s]) :
    /\ log[s][index].term = memory[s].term
    /\ TermAt(log[s], index - 1) < memory[s].term

\* Somebody wants other voters: no other change is open, and something of this
\* reign is committed [Ongaro 2015].
MayChange(s) ==
    /\ role[s] = "leader"
    /\ Config(s).outgoing = NoVoters
    /\ ConfigIndex(log[s], Len(log[s])) <= commit[s] \/ Broken("two changes at once")
    /\ commit[s] >= FirstOfReign(s) \/ Broken("changes before a commit of its own")

Change(s, target) ==
    /\ MayChange(s)
    /\ Config(s).voters # target
    /\ AppendOwn(s, Entry(memory[s].term, "config", target,
         IF Broken("not joint") THEN NoVoters ELSE Config(s).voters, 0))

\* When the joint one is committed, whoever leads settles it.
Settle(s) ==
    /\ role[s] = "leader"
    /\ Config(s).outgoing # NoVoters
    /\ ConfigIndex(log[s], Len(log[s])) <= commit[s] \/ Broken("settles too early")
    /\ AppendOwn(s, Entry(memory[s].term, "config", Config(s).voters, NoVoters, 0))

\* Who does not vote any more, and knows that to be committed, leads no more.
Leave(s) ==
    /\ role[s] = "leader"
    /\ s \notin Voters(Config(s))
    /\ ConfigIndex(log[s], Len(log[s])) <= commit[s]
    /\ role' = [role EXCEPT ![s] = "follower"]
    /\ UNCHANGED <<memory, hard, held, log, flushed, start, commit, messages,
                   disks, done>>

-----------------------------------------------------------------------------
(* Where a log begins. *)

TruncatePrefix(s, upto) ==
    /\ Starts
    /\ upto > start[s] /\ upto <= commit[s]
    /\ \A index \in 1..Len(log[s]) : log[s][index].what = "start" => index <= commit[s]
    /\ AppendOwn(s, Entry(memory[s].term, "start", NoVoters, NoVoters, upto))

Begin(s, index) ==
    /\ index \in 1..commit[s] /\ log[s][index].what = "start"
    /\ log[s][index].upto > start[s]
    /\ log[s][index].upto <= flushed[s]
    /\ start' = [start EXCEPT ![s] = log[s][index].upto]
    /\ UNCHANGED <<memory, hard, held, role, log, flushed, commit, messages,
                   disks, done>>

SendPrefix(s, t) ==
    /\ role[s] = "leader"
    /\ t # s
    /\ start[s] > 0
    /\ messages' = messages \union
         {[kind |-> "install", from |-> s, to |-> t, term |-> memory[s].term,
           prefix |-> SubSeq(log[s], 1, start[s])]}
    /\ UNCHANGED <<memory, hard, held, role, log, flushed, start, commit,
                   disks, done>>

\* All or nothing, and durable with this step; who has the last frame of the
\* prefix, or knows it to be committed, keeps what it has.
Has(t, m) ==
    LET upto == Len(m.prefix)
    IN \/ upto <= commit[t]
       \/ upto <= Len(log[t]) /\ log[t][upto].term = m.prefix[upto].term
       /\ ~Broken("installs whatever is there")

Install(t, m) ==
    LET upto == Len(m.prefix)
        ack == [kind |-> "appended", from |-> t, to |-> m.from, term |-> m.term,
                index |-> upto]
    IN
    /\ m.kind = "install"
    /\ m.to = t
    /\ m.term = memory[t].term
    /\ role[t] # "leader"
    /\ hard[t].term = memory[t].term
    /\ role' = [role EXCEPT ![t] = "follower"]
    /\ commit' = [commit EXCEPT ![t] = Max(@, upto)]
    /\ IF Has(t, m)
       THEN /\ messages' = IF upto <= flushed[t] THEN messages \union {ack} ELSE messages
            /\ UNCHANGED <<log, flushed, start, hard>>
       ELSE /\ log' = [log EXCEPT ![t] = m.prefix]
            /\ flushed' = [flushed EXCEPT ![t] = upto]
            /\ start' = [start EXCEPT ![t] = upto]
            /\ hard' = [hard EXCEPT ![t].claimed =
                  IF UpToDate([index |-> upto, term |-> m.prefix[upto].term], @)
                  THEN [index |-> upto, term |-> m.prefix[upto].term] ELSE @]
            /\ messages' = messages \union {ack}
    /\ UNCHANGED <<memory, held, disks, done>>

-----------------------------------------------------------------------------
(* What goes wrong. *)

Restart(s) ==
    /\ memory' = [memory EXCEPT ![s] =
          [term |-> Max(hard[s].term, TermAt(log'[s], Len(log'[s]))),
           vote |-> IF TermAt(log'[s], Len(log'[s])) > hard[s].term THEN Nobody
                    ELSE hard[s].vote]]
    /\ role' = [role EXCEPT ![s] = "follower"]
    /\ held' = [held EXCEPT ![s] = {}]
    /\ commit' = [commit EXCEPT ![s] = start[s]]

\* The process ends; what it wrote is still on its way to the disk.
Crash(s) ==
    /\ crashes < MaxCrashes
    /\ crashes' = crashes + 1
    /\ log' = log
    /\ Restart(s)
    /\ UNCHANGED <<hard, flushed, start, messages, losses, done>>

\* The power goes; of what was not durable a part may be there.
PowerLoss(s) ==
    /\ crashes < MaxCrashes
    /\ flushed[s] < Len(log[s])
    /\ crashes' = crashes + 1
    /\ \E left \in flushed[s]..(Len(log[s]) - 1) :
          /\ log' = [log EXCEPT ![s] = SubSeq(@, 1, left)]
          /\ flushed' = [flushed EXCEPT ![s] = left]
    /\ Restart(s)
    /\ UNCHANGED <<hard, start, messages, losses, done>>

\* A start finds the end of the log unreadable. It had claimed it, and another
\* replica has it.
MediaLoss(s) ==
    /\ losses < MaxLosses
    /\ flushed[s] > start[s]
    /\ flushed[s] <= hard[s].claimed.index
    /\ \E t \in Server \ {s} :
          /\ flushed[t] >= flushed[s]
          /\ SubSeq(log[t], 1, flushed[s]) = SubSeq(log[s], 1, flushed[s])
    /\ losses' = losses + 1
    /\ log' = [log EXCEPT ![s] = SubSeq(@, 1, flushed[s] - 1)]
    /\ flushed' = [flushed EXCEPT ![s] = @ - 1]
    /\ Restart(s)
    /\ UNCHANGED <<hard, start, messages, crashes, done>>

-----------------------------------------------------------------------------
Next ==
    \/ \E s \in Server :
          \/ Timeout(s) \/ Persist(s) \/ Rest(s) \/ BecomeLeader(s) \/ Propose(s) \/ Flush(s)
          \/ Settle(s) \/ Leave(s) \/ TruncatePrefix(s, commit[s])
          \/ Crash(s) \/ PowerLoss(s) \/ MediaLoss(s)
          \/ \E t \in Server, index \in 1..MaxLength : Send(s, t, index)
          \/ \E t \in Server : SendPrefix(s, t)
          \/ \E index \in 1..MaxLength : Commit(s, index) \/ Begin(s, index)
          \/ \E target \in Targets : Change(s, target)
    \/ \E m \in messages, s \in Server :
          \/ Follow(s, m) \/ Vote(s, m) \/ Receive(s, m) \/ Install(s, m)

\* A message of a term that its receiver's disk has passed does nothing any more:
\* states that differ in these only are one.
Old(m) ==
    IF m.kind = "vote?" THEN \A s \in Server : s # m.from => hard[s].term > m.term
    ELSE hard[m.to].term > m.term
View == <<memory, hard, held, role, log, flushed, start, commit,
          {m \in messages : ~Old(m)}, crashes, losses, done>>

\* Replicas are alike, where the first voters are all of them.
Symmetry == Permutations(Server)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* What must hold, by the names of the design. *)

\* S1
ElectionSafety == \A s, t \in Server :
    (role[s] = "leader" /\ role[t] = "leader" /\ memory[s].term = memory[t].term) => s = t

\* S2: a vote that left can be forgotten by nobody, and there is one in a term.
VotesAreDurable == \A m \in messages : m.kind = "vote" =>
    /\ \/ hard[m.from].term > m.term
       \/ hard[m.from].term = m.term /\ hard[m.from].vote = m.to
       \/ TermAt(log[m.from], flushed[m.from]) > m.term
    /\ \A other \in messages :
          (other.kind = "vote" /\ other.from = m.from /\ other.term = m.term)
             => other.to = m.to

\* S3
TermsAreMonotonic == \A s \in Server : memory[s].term >= hard[s].term

\* S4
LogMatching == \A s, t \in Server : \A index \in 1..Min(Len(log[s]), Len(log[t])) :
    log[s][index].term = log[t][index].term
       => SubSeq(log[s], 1, index) = SubSeq(log[t], 1, index)

\* S6
LeaderCompleteness == \A s \in Server : role[s] = "leader" =>
    \A index \in 1..Len(done) : done[index].by < memory[s].term =>
       index <= Len(log[s]) /\ log[s][index] = done[index].entry

\* S7
StateMachineSafety == \A s \in Server : \A index \in 1..Min(commit[s], Len(log[s])) :
    index <= Len(done) /\ log[s][index] = done[index].entry

\* S10: on a majority of voters who decided once, or promised by one whose disk
\* lost it.
CommittedIsDurable == \A index \in 1..Len(done) :
    LET have == {t \in Server :
          \/ flushed[t] >= index /\ log[t][index] = done[index].entry
          \/ hard[t].claimed.index >= index /\ hard[t].claimed.term >= done[index].entry.term}
    IN \E s \in Server : \E upto \in 0..Len(log[s]) : Quorum(have, ConfigOf(log[s], upto))

\* S12, S23
MarksAreInOrder == \A s \in Server :
    /\ start[s] <= commit[s]
    /\ start[s] <= flushed[s]
    /\ flushed[s] <= Len(log[s])
    /\ start[s] <= Len(done)

\* S15
NothingCommittedIsCut == \A s \in Server : commit[s] <= Len(log[s])

\* S18
OneOpenConfiguration == \A s \in Server : role[s] = "leader" =>
    Cardinality({index \in Configs(log[s], Len(log[s])) :
       index > Max(commit[s], Len(done))}) <= 1

Safety ==
    /\ ElectionSafety /\ VotesAreDurable /\ TermsAreMonotonic /\ LogMatching
    /\ LeaderCompleteness /\ StateMachineSafety /\ CommittedIsDurable
    /\ MarksAreInOrder /\ NothingCommittedIsCut /\ OneOpenConfiguration
=============================================================================
