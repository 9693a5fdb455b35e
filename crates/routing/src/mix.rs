//! Numbers that look drawn by chance and are not: the same input always gives the same one.

/// A number for a text (FNV-1a, mixed).
pub fn of_text(text: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, fold), 0)
}

/// Another number for a number, different for each `salt` (the finaliser of SplitMix64).
pub const fn mix(seed: u64, salt: u64) -> u64 {
    let mut value = seed.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A place below `count`, all equally likely; 0 when there is none.
pub fn below(seed: u64, count: u64) -> u64 {
    // The upper half of a 128-bit product: no bias worth speaking of, and no division.
    let product = u128::from(seed) * u128::from(count);
    u64::try_from(product >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_out_as_asked() {
        let hits = (0..10_000).filter(|seed| below(mix(*seed, 7), 100) < 20).count();
        assert!((1_850..2_150).contains(&hits), "{hits}");
        assert_ne!(of_text("a"), of_text("b"));
        assert_eq!(below(u64::MAX, 0), 0);
        assert_eq!(below(u64::MAX, 3), 2);
    }
}
