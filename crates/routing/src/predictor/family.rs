//! Which kind of work a prompt asks for: an open table of what speaks for each.

use megarouter_domain::task::Family;

use super::place;
use crate::features::Dense;
use crate::features::dense::Name;

/// What speaks for a family, and how strongly.
const SIGNS: &[(Family, &[(Name, f32)])] = &[
    (
        Family::Code,
        &[
            (Name::Code, 1.6),
            (Name::CodeShare, 1.5),
            (Name::CodeLines, 0.8),
            (Name::Fences, 1.2),
            (Name::Calls, 0.6),
            (Name::Loops, 0.5),
            (Name::Indent, 0.4),
        ],
    ),
    (
        Family::Maths,
        &[
            (Name::Maths, 1.4),
            (Name::Latex, 1.6),
            (Name::Compute, 0.9),
            (Name::Quantity, 0.9),
            (Name::Operators, 0.5),
            (Name::Numbers, 0.5),
            (Name::Proof, 1.5),
            (Name::Advanced, 0.7),
            (Name::Code, -1.0),
        ],
    ),
    (
        Family::Reasoning,
        &[
            (Name::Relation, 1.1),
            (Name::Condition, 0.8),
            (Name::Order, 0.3),
            (Name::Negation, 0.4),
            (Name::Compute, -0.3),
        ],
    ),
    (
        Family::Knowledge,
        &[
            (Name::Recall, 0.8),
            (Name::Options, 0.6),
            (Name::Physics, 0.7),
            (Name::Chemistry, 0.8),
            (Name::Life, 0.9),
            (Name::Law, 0.8),
            (Name::Business, 0.8),
            (Name::Humanities, 0.9),
            (Name::OptionWords, 0.4),
            (Name::Explain, 0.3),
        ],
    ),
    (
        Family::Writing,
        &[(Name::Creative, 1.7), (Name::Edit, 1.1), (Name::Format, 0.5), (Name::Options, -1.0), (Name::Code, -0.8)],
    ),
    (Family::Extraction, &[(Name::Extract, 1.4), (Name::Examples, 0.3), (Name::Options, -0.5), (Name::Format, 0.2)]),
    (Family::Summary, &[(Name::Summarise, 3.0)]),
    (Family::Translation, &[(Name::Translate, 2.6), (Name::NonAscii, 0.8)]),
    (Family::Chat, &[(Name::Chat, 1.0), (Name::Everyday, 0.2), (Name::Options, -1.0), (Name::AskLength, -0.3)]),
    (Family::Tools, &[(Name::Tools, 8.0), (Name::Errand, 0.2)]),
];

/// Below this much evidence a prompt is of no family.
const LEAST: f32 = 0.25;

/// The family with the most evidence, and its share of it.
pub(super) fn of(dense: &Dense) -> (Family, f32) {
    let (mut best, mut most, mut all) = (Family::Other, LEAST, LEAST);
    for (family, signs) in SIGNS {
        let evidence = signs.iter().map(|(name, weight)| dense.get(*name) * weight).sum::<f32>().max(0.0);
        all += evidence;
        if evidence > most {
            (best, most) = (*family, evidence);
        }
    }
    (best, most / all)
}

/// What a prompt may be about within its family.
const SUBJECTS: [Name; 9] = [
    Name::Maths,
    Name::Advanced,
    Name::Physics,
    Name::Chemistry,
    Name::Life,
    Name::Law,
    Name::Business,
    Name::Humanities,
    Name::Code,
];
/// A subject with less than one word is none.
const LEAST_SUBJECT: f32 = 0.15;
/// The lengths that part prompts: 90, 185, 380 and 780 bytes.
const LENGTHS: [f32; 4] = [0.5, 0.58, 0.66, 0.74];
const SUBJECT_COUNT: u16 = 10;
const LENGTH_COUNT: u16 = 5;
const FORM_COUNT: u16 = 4;

/// The group of similar prompts: family, whether there are answers to choose from and code, length, subject.
pub(super) fn cluster(family: Family, dense: &Dense) -> u16 {
    let form = u16::from(dense.get(Name::Options) > 0.3) * 2 + u16::from(dense.get(Name::CodeShare) > 0.3);
    let length: u16 = LENGTHS.iter().map(|least| u16::from(dense.get(Name::AskLength) > *least)).sum();
    let (mut subject, mut most) = (0, LEAST_SUBJECT);
    for (number, name) in (1..).zip(SUBJECTS) {
        if dense.get(name) > most {
            (subject, most) = (number, dense.get(name));
        }
    }
    let family = u16::try_from(place(family)).unwrap_or(0);
    ((family * FORM_COUNT + form) * LENGTH_COUNT + length) * SUBJECT_COUNT + subject
}

/// How many levels of kinds there are.
pub(crate) const LEVELS: usize = 3;

/// The kinds that a cluster belongs to, from the widest: family and form; with the length; with the subject.
pub(crate) const fn kinds(cluster: u16) -> [u16; LEVELS] {
    let with_length = cluster / SUBJECT_COUNT;
    let wide = with_length / LENGTH_COUNT;
    [wide, with_length, wide * SUBJECT_COUNT + cluster % SUBJECT_COUNT]
}

/// The family of a kind of the widest level.
pub(crate) fn family_of_kind(kind: u16) -> Option<Family> {
    Family::ALL.get(usize::from(kind / FORM_COUNT)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Features, Text};

    fn family(user: &str) -> Family {
        of(&Features::of(&Text { user, ..Text::default() }).dense).0
    }

    #[test]
    fn plain_cases_are_told_apart() {
        assert_eq!(family("Write a Python function that reverses a string and returns it."), Family::Code);
        assert_eq!(family("Find the area of a triangle with sides 3, 4 and 5."), Family::Maths);
        assert_eq!(family("Write a short story about a dragon."), Family::Writing);
        assert_eq!(family("Translate this into French: good morning"), Family::Translation);
        assert_eq!(family("Summarize this article in two sentences."), Family::Summary);
        assert_eq!(family(""), Family::Other);
    }

    #[test]
    fn every_cluster_is_of_kinds_of_its_family() {
        for family in Family::ALL {
            let cluster =
                cluster(*family, &Features::of(&Text { user: "Is it?\nA. yes\nB. no", ..Text::default() }).dense);
            assert_eq!(family_of_kind(kinds(cluster)[0]), Some(*family));
        }
    }
}
