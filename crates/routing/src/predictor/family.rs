//! Which kind of work a prompt asks for: an open table of what speaks for each.

use megarouter_domain::task::Family;

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

/// The group of similar prompts: the family, whether there are answers to choose from, and the length.
pub(super) fn cluster(family: Family, dense: &Dense) -> u16 {
    let place = Family::ALL.iter().position(|other| *other == family).unwrap_or(0);
    let has_options = u16::from(dense.get(Name::Options) > 0.3);
    let has_code = u16::from(dense.get(Name::CodeShare) > 0.3);
    let length = u16::from(dense.get(Name::AskLength) > 0.6) + u16::from(dense.get(Name::AskLength) > 0.75);
    u16::try_from(place).unwrap_or(0) * 12 + has_options * 6 + has_code * 3 + length
}
