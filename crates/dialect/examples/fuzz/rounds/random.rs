//! Random numbers that are the same for the same seed, and what is done to fixtures with them.

/// SplitMix64 (Steele, Lea and Flood 2014).
pub struct Random(u64);

impl Random {
    /// The numbers of a round of a seed.
    pub const fn of(seed: u64, round: u64) -> Self {
        Self(seed ^ round.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below another; 0 below 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    /// One of several things.
    pub fn choose<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    /// The bytes in pieces, some of them empty or of one byte.
    pub fn cut<'a>(&mut self, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let most = *self.choose(&[1, 3, 40, 2_000]);
        let mut pieces = vec![];
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(self.below(most + 1).min(bytes.len()));
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }

    /// Bytes with a few things wrong; `other` is what pieces are taken from.
    pub fn mutate(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            self.change(&mut bytes, other);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        /// What parsers stumble over.
        const ODD: [&[u8]; 14] = [
            b"null",
            b"-1",
            b"1e999",
            b"18446744073709551616",
            b"[]",
            b"{}",
            b"\"\"",
            b"\n\n",
            b"data: ",
            b"\r",
            b"\\ud800",
            b"\xff",
            b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            b"data: [DONE]\n\n",
        ];
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(60)).min(bytes.len());
        match self.below(8) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => {
                let from = self.below(other.len() + 1);
                let piece = &other[from..(from + self.below(400)).min(other.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            5 => drop(bytes.splice(at..end, self.choose(&ODD).iter().copied())),
            6 => self.swap_value(bytes),
            // A line or an event again, or in another place.
            _ => {
                let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
                let line = lines[self.below(lines.len())..].first().copied().unwrap_or_default();
                lines.insert(self.below(lines.len() + 1), line);
                *bytes = lines.concat();
            }
        }
    }

    /// Puts another value where a number, a word or a text stands, so that the JSON stays JSON.
    fn swap_value(&mut self, bytes: &mut Vec<u8>) {
        const VALUES: [&[u8]; 10] =
            [b"null", b"true", b"0", b"-7", b"1.5", b"\"odd\"", b"[]", b"{}", b"[null]", b"99999999999999999999"];
        let places: Vec<usize> =
            bytes.windows(1).enumerate().filter(|(_, byte)| *byte == b":").map(|(at, _)| at + 1).collect();
        if places.is_empty() {
            return;
        }
        let start = *self.choose(&places);
        let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b'\n');
        let end = bytes[start..].iter().position(is_end).map_or(bytes.len(), |length| start + length);
        bytes.splice(start..end, self.choose(&VALUES).iter().copied());
    }
}
