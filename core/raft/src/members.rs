//! Something of each replica of a group, in their order. They are few, so a row is smaller and faster than a tree.

use crate::replica::ReplicaId;

/// What is known of each of some replicas.
#[derive(Clone, Debug)]
pub(crate) struct Members<T>(Vec<(ReplicaId, T)>);

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromIterator<(ReplicaId, T)> for Members<T> {
    fn from_iter<I: IntoIterator<Item = (ReplicaId, T)>>(members: I) -> Self {
        let mut members: Vec<(ReplicaId, T)> = members.into_iter().collect();
        members.sort_by_key(|(replica, _)| *replica);
        Self(members)
    }
}

impl<T> Members<T> {
    fn place(&self, replica: ReplicaId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&replica, |(other, _)| *other)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, replica: ReplicaId) -> Option<&T> {
        self.place(replica).ok().map(|at| &self.0[at].1)
    }

    pub(crate) fn get_mut(&mut self, replica: ReplicaId) -> Option<&mut T> {
        self.place(replica).ok().map(|at| &mut self.0[at].1)
    }

    /// Adds one, unless it is there.
    pub(crate) fn add(&mut self, replica: ReplicaId, member: T) {
        if let Err(at) = self.place(replica) {
            self.0.insert(at, (replica, member));
        }
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(ReplicaId) -> bool) {
        self.0.retain(|(replica, _)| keep(*replica));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ReplicaId, &T)> {
        self.0.iter().map(|(replica, member)| (*replica, member))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (ReplicaId, &mut T)> {
        self.0
            .iter_mut()
            .map(|(replica, member)| (*replica, member))
    }

    /// The first replica behind `last`.
    pub(crate) fn after(&self, last: Option<ReplicaId>) -> Option<ReplicaId> {
        let at = last.map_or(0, |last| {
            self.0.partition_point(|(other, _)| *other <= last)
        });
        self.0.get(at).map(|(replica, _)| *replica)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_in_order_and_each_is_there_once() {
        let replica = ReplicaId::first;
        let mut members: Members<u32> = [(replica(3), 30), (replica(1), 10)].into_iter().collect();
        members.add(replica(2), 20);
        members.add(replica(3), 99);
        let all = |members: &Members<u32>| -> Vec<u32> {
            members.iter().map(|(_, number)| *number).collect()
        };
        assert_eq!(all(&members), [10, 20, 30]);
        let mut last = None;
        let mut seen = 0;
        while let Some(next) = members.after(last) {
            seen += 1;
            last = Some(next);
        }
        assert_eq!((seen, last), (3, Some(replica(3))));
        members.retain(|other| other != replica(2));
        assert_eq!(
            (members.get(replica(2)), members.get(replica(3))),
            (None, Some(&30))
        );
        if let Some(number) = members.get_mut(replica(1)) {
            *number = 11;
        }
        assert_eq!(all(&members), [11, 30]);
    }
}
