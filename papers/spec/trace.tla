------------------------------- MODULE trace -------------------------------
(***************************************************************************)
(* Whether what the code did is something that raft.tla allows: each line  *)
(* of a trace is one action of it, and leaves the replica as it is said to.*)
(*                                                                         *)
(* The code is finer than raft.tla in a few places, and what it does there *)
(* has variables here: a write of the hard state takes time, an installed  *)
(* log is not durable at once, and messages leave when they may.           *)
(***************************************************************************)
EXTENDS raft, lines     \* Traces: sequences of lines

VARIABLES
    which, at,  \* the trace, and its next line
    claim,      \* what a process claims, which its disk may not know yet
    writing,    \* the hard state that is on its way to the disk
    shown,      \* up to where a log was shown to be that of a term's leader
    fresh,      \* the log was installed, and is not durable
    before,     \* the one that is there instead, should its process end now
    led         \* who led in which term

extra == <<claim, writing, shown, fresh, before, led>>
Line == Traces[which][at]

TermOfDisk(s) == Max(hard[s].term, TermAt(log[s], flushed[s]))
\* Somebody's disk knows that term, so it may have been heard of.
Heard(term) == \E s \in Server : TermOfDisk(s) >= term

ClaimNow(s) ==
    IF ~fresh[s] /\ UpToDate(Position(log[s], flushed[s]), claim[s])
    THEN Position(log[s], flushed[s]) ELSE claim[s]
ShownUpto(s, term) ==
    LET of == {shows.index : shows \in {shows \in shown[s] : shows.term = term}}
    IN IF of = {} THEN 0 ELSE CHOOSE index \in of : \A other \in of : other <= index
Shows(s, term, index) ==
    shown' = [shown EXCEPT ![s] = @ \union {[term |-> term, index |-> index]}]

-----------------------------------------------------------------------------
TraceInit ==
    /\ Init
    /\ which \in DOMAIN Traces
    /\ at = 1
    /\ claim = [s \in Server |-> [index |-> 0, term |-> 0]]
    /\ writing = [s \in Server |-> <<>>]
    /\ shown = [s \in Server |-> {}]
    /\ fresh = [s \in Server |-> FALSE]
    /\ before = [s \in Server |-> <<>>]
    /\ led = {}

\* A process begins, the first of its replica or one after another that ended.
\* What was durable is there, of the rest any beginning; of a log that was
\* installed all or nothing.
Begun(s) ==
    LET reverts == fresh[s] /\ Line.start < start[s]
        was == IF reverts THEN before[s].log ELSE log[s]
        durable == IF reverts THEN Len(was) ELSE flushed[s]
        found == SubSeq(was, 1, Line.last.index)
        term == TermAt(found, Line.last.index)
    IN
    /\ Line.last.index >= durable /\ Line.last.index <= Len(was)
    /\ Line.commit <= Min(Len(done), Line.last.index)
    /\ log' = [log EXCEPT ![s] = found]
    /\ flushed' = [flushed EXCEPT ![s] = Line.last.index]
    /\ start' = [start EXCEPT ![s] = IF reverts THEN before[s].start ELSE @]
    /\ commit' = [commit EXCEPT ![s] = Line.commit]
    \* A frame that is durable says its term as well as a record of it.
    /\ hard' = [hard EXCEPT ![s] =
          IF term > @.term
          THEN [term |-> term, vote |-> Nobody, claimed |-> @.claimed] ELSE @]
    /\ memory' = [memory EXCEPT ![s] = [term |-> hard'[s].term, vote |-> hard'[s].vote]]
    /\ role' = [role EXCEPT ![s] = "follower"]
    /\ held' = [held EXCEPT ![s] = {}]
    /\ claim' = [claim EXCEPT ![s] = hard[s].claimed]
    /\ writing' = [writing EXCEPT ![s] = <<>>]
    /\ shown' = [shown EXCEPT ![s] = {}]
    /\ fresh' = [fresh EXCEPT ![s] = FALSE]
    /\ UNCHANGED <<messages, disks, done, before, led>>

-----------------------------------------------------------------------------
(* Terms and votes. *)

Claims(s) == claim' = [claim EXCEPT ![s] = ClaimNow(s)]

Stood(s) ==
    /\ Timeout(s)
    /\ Claims(s)
    /\ UNCHANGED <<writing, shown, fresh, before, led>>

\* In a later term that was heard of, or in this one.
Followed(s) ==
    LET later == Line.term > memory[s].term IN
    /\ IF later
       THEN /\ Heard(Line.term)
            /\ memory' = [memory EXCEPT ![s] = [term |-> Line.term, vote |-> Nobody]]
            /\ Claims(s)
       ELSE UNCHANGED <<memory, claim>>
    /\ role' = [role EXCEPT ![s] = "follower"]
    /\ UNCHANGED <<hard, held, log, flushed, start, commit, messages, disks, done,
                   writing, shown, fresh, before, led>>

\* A vote may be asked for twice.
Voted(s) ==
    /\ \E m \in messages :
          /\ m.kind = "vote?" /\ m.from = Line.vote
          /\ \/ Vote(s, m)
             \/ MayVote(s, m) /\ memory[s].vote = m.from /\ UNCHANGED vars
    /\ Claims(s)
    /\ UNCHANGED <<writing, shown, fresh, before, led>>

Wrote(s) ==
    /\ Line.args = [term |-> memory[s].term, vote |-> memory[s].vote, claimed |-> claim[s]]
    /\ writing' = [writing EXCEPT ![s] = Line.args]
    /\ UNCHANGED <<vars, claim, shown, fresh, before, led>>

Written(s) ==
    /\ writing[s] # <<>>
    /\ hard' = [hard EXCEPT ![s] = writing[s]]
    /\ writing' = [writing EXCEPT ![s] = <<>>]
    /\ UNCHANGED <<memory, held, role, log, flushed, start, commit, messages, disks, done,
                   claim, shown, fresh, before, led>>

Led(s) ==
    /\ Wins(s)
    /\ role' = [role EXCEPT ![s] = "leader"]
    /\ led' = led \union {[term |-> memory[s].term, by |-> s]}
    /\ UNCHANGED <<memory, hard, held, log, flushed, start, commit, messages, disks, done,
                   claim, writing, shown, fresh, before>>

-----------------------------------------------------------------------------
(* The log. *)

Reigns(s) == \E index \in 1..Len(log[s]) : log[s][index].term = memory[s].term

Grows(s, entries) ==
    /\ role[s] = "leader"
    /\ log' = [log EXCEPT ![s] = @ \o entries]
    /\ UNCHANGED <<memory, hard, held, role, flushed, start, commit, messages, disks, done>>

\* The first frame of a reign is nothing, behind who votes where the log is empty.
Opens(s, entries) ==
    /\ ~Reigns(s)
    /\ entries = (IF log[s] = <<>>
                  THEN <<Entry(memory[s].term, "config", Initial, NoVoters, 0)>>
                  ELSE <<>>) \o <<Plain(memory[s].term, "noop")>>
    /\ Grows(s, entries)

Records(s, entries) ==
    /\ Reigns(s)
    /\ \A index \in DOMAIN entries :
          entries[index] \in {Plain(memory[s].term, "data"), Plain(memory[s].term, "mark")}
    /\ Grows(s, entries)

\* Who votes changes, or stays and others learn.
ChangesVoters(s, entry) ==
    \/ Config(s).outgoing # NoVoters /\ Settle(s)
    \/ Change(s, entry.voters)
    \/ MayChange(s) /\ entry.voters = Config(s).voters /\ AppendOwn(s, entry)

AppendedOwn(s) ==
    /\ LET entries == Line.args
           only == entries[1]
       IN /\ \/ Opens(s, entries)
             \/ Records(s, entries)
             \/ Len(entries) = 1 /\ only.what = "config" /\ Reigns(s) /\ ChangesVoters(s, only)
             \/ Len(entries) = 1 /\ only.what = "start" /\ TruncatePrefix(s, only.upto)
          /\ SubSeq(log'[s], Len(log[s]) + 1, Len(log'[s])) = entries
    /\ UNCHANGED extra

\* Less is claimed before anything is cut: a leader's frames contradict what is
\* behind it, or a leader's log begins later.
Lowered(s) ==
    LET index == Line.args.index
        mine == {m \in messages : m.kind \in {"append", "install"} /\ m.to = s
                                  /\ m.term = memory[s].term}
    IN
    /\ Line.args = Position(log[s], index)
    /\ \E m \in mine :
          \/ m.kind = "append" /\ Conflicts(log[s], m) /\ FirstOther(log[s], m) = index + 1
          \/ m.kind = "install" /\ ~Has(s, m) /\ index = Min(commit[s], flushed[s])
    /\ claim' = [claim EXCEPT ![s] = Line.args]
    /\ UNCHANGED <<vars, writing, shown, fresh, before, led>>

\* More is claimed where all is durable.
Raised(s) ==
    /\ Line.args = Position(log[s], flushed[s])
    /\ flushed[s] = Len(log[s]) /\ ~fresh[s]
    /\ UpToDate(Line.args, claim[s])
    /\ claim' = [claim EXCEPT ![s] = Line.args]
    /\ UNCHANGED <<vars, writing, shown, fresh, before, led>>

Received(t) ==
    /\ role[t] = "follower"
    /\ \E m \in messages :
          /\ m.kind = "append" /\ m.to = t /\ m.term = memory[t].term
          /\ m.prev = Line.args.prev /\ Len(m.entries) = Line.args.count
          /\ m.prev.index <= Len(log[t])
          /\ TermAt(log[t], m.prev.index) = m.prev.term
          /\ LET first == FirstOther(log[t], m) IN
             /\ log' = [log EXCEPT ![t] = Appended(log[t], m)]
             /\ IF Conflicts(log[t], m)
                THEN \* Its disk knows that it claims no more than what stays.
                     /\ hard[t].term = memory[t].term
                     /\ hard[t].claimed.index < first
                     /\ flushed' = [flushed EXCEPT ![t] = Min(@, first - 1)]
                     /\ shown' = [shown EXCEPT ![t] =
                           {[shows EXCEPT !.index = Min(@, first - 1)] : shows \in @}
                           \union {[term |-> m.term, index |-> Upto(m)]}]
                ELSE /\ UNCHANGED flushed
                     /\ Shows(t, m.term, Upto(m))
    /\ UNCHANGED <<memory, hard, held, role, start, commit, messages, disks, done,
                   claim, writing, fresh, before, led>>

Flushed(s) ==
    /\ Line.flushed > flushed[s] \/ fresh[s]
    /\ Line.flushed >= flushed[s] /\ Line.flushed <= Len(log[s])
    /\ flushed' = [flushed EXCEPT ![s] = Line.flushed]
    /\ fresh' = [fresh EXCEPT ![s] = FALSE]
    /\ UNCHANGED <<memory, hard, held, role, log, start, commit, messages, disks, done,
                   claim, writing, shown, before, led>>

\* A follower learns of it, as far as it was shown to have the leader's log.
Learned(s) ==
    /\ role[s] = "follower"
    /\ Line.commit >= commit[s]
    /\ Line.commit <= Max(ShownUpto(s, memory[s].term), commit[s])
    /\ \E m \in messages : /\ m.kind \in {"append", "beat", "install"}
                           /\ m.to = s /\ m.term = memory[s].term
                           /\ m.commit >= Line.commit
    /\ commit' = [commit EXCEPT ![s] = Line.commit]
    /\ UNCHANGED <<memory, hard, held, role, log, flushed, start, messages, disks, done>>

Committed(s) ==
    /\ Commit(s, Line.commit) \/ Learned(s)
    /\ UNCHANGED extra

Begins(s) ==
    /\ \E index \in 1..commit[s] : log[s][index].upto = Line.start /\ Begin(s, index)
    /\ UNCHANGED extra

-----------------------------------------------------------------------------
(* A log that begins later. *)

Installs(t) == {m \in messages : /\ m.kind = "install" /\ m.to = t
                                 /\ m.term = memory[t].term
                                 /\ Len(m.prefix) = Line.args}

Keeps(t, m) == Has(t, m) \/ Len(m.prefix) <= ShownUpto(t, memory[t].term)

Kept(t) ==
    /\ role[t] = "follower"
    /\ \E m \in Installs(t) : Keeps(t, m)
    /\ Shows(t, memory[t].term, Line.args)
    /\ UNCHANGED <<vars, claim, writing, fresh, before, led>>

Installed(t) ==
    /\ role[t] = "follower"
    /\ \E m \in Installs(t) :
          LET upto == Line.args
              last == Position(m.prefix, upto)
          IN
          /\ ~Keeps(t, m)
          \* What is claimed is there before and after.
          /\ hard[t].claimed.index <= upto \/ ~UpToDate(last, hard[t].claimed)
          /\ log' = [log EXCEPT ![t] = m.prefix]
          /\ flushed' = [flushed EXCEPT ![t] = upto]
          /\ start' = [start EXCEPT ![t] = upto]
          /\ commit' = [commit EXCEPT ![t] = Max(@, upto)]
    /\ before' = [before EXCEPT ![t] =
          IF fresh[t] THEN @ ELSE [log |-> SubSeq(log[t], 1, flushed[t]), start |-> start[t]]]
    /\ fresh' = [fresh EXCEPT ![t] = TRUE]
    /\ Shows(t, memory[t].term, Line.args)
    /\ UNCHANGED <<memory, hard, held, role, messages, disks, done, claim, writing, led>>

-----------------------------------------------------------------------------
(* Messages leave when what they reveal is durable. *)

Leaves(m) ==
    /\ messages' = messages \union {m}
    /\ UNCHANGED <<memory, hard, held, role, log, flushed, start, commit, disks, done, extra>>

\* What a leader says of its log.
OfReign(s, m) ==
    /\ [term |-> m.term, by |-> s] \in led
    /\ m.term = memory[s].term
    /\ m.commit <= commit[s]

Sent(s) ==
    LET m == Line.args IN
    /\ m.from = s
    /\ TermOfDisk(s) >= m.term
    /\ \/ /\ m.kind = "vote?" /\ m \in held[s]
          /\ hard[s].term > m.term \/ hard[s].vote = s
          /\ Leaves(m)
       \/ /\ m.kind = "vote" /\ m \in held[s]
          /\ hard[s].term > m.term \/ hard[s].vote = m.to
          /\ Leaves(m)
       \/ /\ m.kind = "append"
          /\ OfReign(s, m)
          /\ Upto(m) <= Len(log[s])
          /\ m.prev = Position(log[s], m.prev.index)
          /\ m.entries = SubSeq(log[s], m.prev.index + 1, Upto(m))
          /\ Leaves(m)
       \/ /\ m.kind = "beat"
          /\ OfReign(s, m)
          /\ Leaves(m)
       \/ /\ m.kind = "install"
          /\ OfReign(s, m)
          /\ m.upto <= start[s]
          /\ Leaves([kind |-> "install", from |-> s, to |-> m.to, term |-> m.term,
                     commit |-> m.commit, prefix |-> SubSeq(log[s], 1, m.upto)])
       \/ /\ m.kind = "appended"
          /\ m.index = 0 \/ (/\ m.index <= flushed[s] /\ ~fresh[s]
                             \* All that is before a start was committed.
                             /\ m.index <= Max(ShownUpto(s, m.term), start[s]))
          /\ Leaves(m)
       \/ /\ m.kind = "word"
          /\ UNCHANGED <<vars, extra>>

-----------------------------------------------------------------------------
Step(s) ==
    \/ Line.do = "Start" /\ Begun(s)
    \/ Line.do = "Stand" /\ Stood(s)
    \/ Line.do = "Follow" /\ Followed(s)
    \/ Line.do = "Vote" /\ Voted(s)
    \/ Line.do = "Lead" /\ Led(s)
    \/ Line.do = "Write" /\ Wrote(s)
    \/ Line.do = "Written" /\ Written(s)
    \/ Line.do = "Append" /\ AppendedOwn(s)
    \/ Line.do = "Receive" /\ Received(s)
    \/ Line.do = "Lower" /\ Lowered(s)
    \/ Line.do = "Raise" /\ Raised(s)
    \/ Line.do = "Flush" /\ Flushed(s)
    \/ Line.do = "Commit" /\ Committed(s)
    \/ Line.do = "Begin" /\ Begins(s)
    \/ Line.do = "Keep" /\ Kept(s)
    \/ Line.do = "Install" /\ Installed(s)
    \/ Line.do = "Send" /\ Sent(s)

\* The replica is what the line says.
Matches(s) ==
    /\ memory'[s] = [term |-> Line.term, vote |-> Line.vote]
    /\ role'[s] = Line.role
    /\ Position(log'[s], Len(log'[s])) = Line.last
    /\ Line.flushed = IF fresh'[s] THEN 0 ELSE flushed'[s]
    /\ start'[s] = Line.start
    /\ commit'[s] = Line.commit
    /\ ConfigOf(log'[s], Len(log'[s])) = Line.config

TraceNext ==
    \/ /\ at <= Len(Traces[which])
       /\ Step(Line.at)
       /\ Matches(Line.at)
       /\ at' = at + 1
       /\ UNCHANGED which
    \* A line that is no action is a deadlock; the end of a trace is none.
    \/ /\ at > Len(Traces[which])
       /\ UNCHANGED <<vars, extra, which, at>>

TraceSpec == TraceInit /\ [][TraceNext]_<<vars, extra, which, at>>

\* For traces that must not be accepted.
Refused == at <= Len(Traces[which])
=============================================================================
