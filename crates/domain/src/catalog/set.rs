//! Small sets of named things: modalities, features.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something with a stable name, of which there are at most 32.
pub trait Member: Copy + Eq + Sized + 'static {
    /// Every one, in the order they are shown.
    const ALL: &'static [Self];

    /// The stable name, as stored and as sent.
    fn as_str(self) -> &'static str;
}

/// A set of members, written as a list of their names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Set<T> {
    bits: u32,
    members: PhantomData<T>,
}

impl<T: Member> Set<T> {
    /// Nothing.
    pub const EMPTY: Self = Self { bits: 0, members: PhantomData };

    /// Adds a member.
    pub fn insert(&mut self, member: T) {
        self.bits |= bit(member);
    }

    /// True when it holds the member.
    pub fn contains(self, member: T) -> bool {
        self.bits & bit(member) != 0
    }

    /// True when it holds nothing.
    pub const fn is_empty(&self) -> bool {
        self.bits == 0
    }

    /// True when it holds all that the other one holds.
    pub const fn holds_all_of(self, other: Self) -> bool {
        self.bits & other.bits == other.bits
    }

    /// What this or the other one holds.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits, members: PhantomData }
    }

    /// The members, in their order.
    pub fn iter(self) -> impl Iterator<Item = T> {
        T::ALL.iter().copied().filter(move |member| self.contains(*member))
    }
}

fn bit<T: Member>(member: T) -> u32 {
    let place = T::ALL.iter().position(|known| *known == member).and_then(|place| u32::try_from(place).ok());
    place.and_then(|place| 1_u32.checked_shl(place)).unwrap_or(0)
}

impl<T: Member> Default for Set<T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<T: Member> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut set = Self::EMPTY;
        members.into_iter().for_each(|member| set.insert(member));
        set
    }
}

impl<T: Member> fmt::Debug for Set<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter().map(Member::as_str)).finish()
    }
}

impl<T: Member> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Member::as_str))
    }
}

impl<'de, T: Member> Deserialize<'de> for Set<T> {
    /// Names that are not known are passed over: an older program reads newer data.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Ok(names.iter().filter_map(|name| T::ALL.iter().copied().find(|known| known.as_str() == name)).collect())
    }
}
