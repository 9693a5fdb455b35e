//! `GET /router/report`

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use megarouter_domain::feedback::Signal;
use megarouter_domain::task::Family;
use megarouter_routing::learnt::Learnt;
use megarouter_store::settings::outcomes::Outcome;
use serde::Deserialize;

use super::{CalibrationPoint, FamilyReport, ModelReport, RouterReport, SignalCount};
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::extract::Query;
use crate::shape::Time;

const USUAL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Fewer outcomes say little.
const ENOUGH: usize = 50;
/// Fewer outcomes of a model do not make it the best of a kind of work.
const ENOUGH_OF_MODEL: u64 = 10;
/// The most outcomes that are compared in pairs.
const MOST_IN_PAIRS: usize = 2_000;
/// The width of a step of the calibration, in thousandths.
const STEP: u16 = 100;

/// Which outcomes.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReportQuery {
    /// The beginning; 30 days before the end when left out.
    pub from: Option<Time>,
    /// The end; now when left out.
    pub to: Option<Time>,
}

/// Shows how good the router's expectations were, by what was said of answers since.
#[utoipa::path(get, path = "/router/report", operation_id = "show_router_report", tag = "feedback",
    params(ReportQuery), responses((status = 200, description = "The report", body = RouterReport)))]
pub async fn show_router_report(
    State(context): State<Arc<Context>>,
    Query(query): Query<ReportQuery>,
) -> Result<Json<RouterReport>, ApiError> {
    let to = query.to.map_or_else(|| context.now().plus(Duration::from_micros(1)), |time| time.0);
    let from = query.from.map_or_else(|| to.minus(USUAL), |time| time.0);
    if from >= to {
        let message = "The range of time is empty. There is nothing to show. Choose an earlier beginning.";
        return Err(ApiError::invalid("range.invalid", message).about("from"));
    }
    let outcomes = context.settings.outcomes_between(from, to).await.map_err(|error| settings_unavailable(&error))?;
    let mut report = RouterReport::of(&outcomes, &context.gateway.learnt());
    (report.from, report.to) = (from.into(), to.into());
    Ok(Json(report))
}

/// Sums over outcomes, in thousandths.
#[derive(Clone, Copy, Default)]
struct Tally {
    outcomes: u64,
    observed: u64,
    expectations: u64,
    expected: u64,
    error: u64,
}

impl Tally {
    fn add(&mut self, outcome: &Outcome) {
        let score = outcome.feedback.score.get();
        self.outcomes += 1;
        self.observed += u64::from(score);
        if let Some(expected) = outcome.expected {
            self.expectations += 1;
            self.expected += u64::from(expected.get());
            self.error += u64::from(expected.get().abs_diff(score));
        }
    }

    fn observed(self) -> u16 {
        mean(self.observed, self.outcomes).unwrap_or(0)
    }
}

fn mean(sum: u64, count: u64) -> Option<u16> {
    sum.checked_div(count).and_then(|mean| u16::try_from(mean).ok())
}

impl RouterReport {
    fn of(outcomes: &[Outcome], learnt: &Learnt) -> Self {
        let mut all = Tally::default();
        let mut steps = BTreeMap::<u16, Tally>::new();
        let (mut families, mut models) = (BTreeMap::<Family, Tally>::new(), BTreeMap::<&str, Tally>::new());
        let (mut of_model, mut signals) = (BTreeMap::<(Family, &str), Tally>::new(), BTreeMap::<Signal, Tally>::new());
        for outcome in outcomes {
            all.add(outcome);
            signals.entry(outcome.feedback.signal).or_default().add(outcome);
            if let Some(expected) = outcome.expected {
                steps.entry(expected.get().min(999) / STEP).or_default().add(outcome);
            }
            let family = outcome.task.as_ref().map(|task| task.family);
            let model = outcome.model.as_deref();
            if let Some(family) = family {
                families.entry(family).or_default().add(outcome);
            }
            if let Some(model) = model {
                models.entry(model).or_default().add(outcome);
            }
            if let Some(pair) = family.zip(model) {
                of_model.entry(pair).or_default().add(outcome);
            }
        }
        let is_rated =
            |outcome: &&Outcome| matches!(outcome.feedback.signal, Signal::Rated | Signal::Voted | Signal::Judged);
        let rated = outcomes.iter().filter(is_rated).count();
        let regrets = regrets(&families, &of_model);
        let total = learnt.report().total();
        let told = regrets.iter().map(|(family, regret)| (families[family].outcomes, *regret));
        let (weights, regret) =
            told.fold((0, 0), |(weights, sum), (weight, regret)| (weights + weight, sum + weight * u64::from(regret)));
        Self {
            from: Time(megarouter_domain::clock::Timestamp::from_micros(0)),
            to: Time(megarouter_domain::clock::Timestamp::from_micros(0)),
            outcomes: outcomes.len() as u64,
            rated: rated as u64,
            is_enough: rated >= ENOUGH,
            error_permille: mean(all.error, all.expectations),
            prior_error_permille: (total.outcomes > 0).then(|| thousandths(total.prior_error, total.outcomes)),
            accuracy_permille: accuracy(outcomes),
            regret_permille: mean(regret, weights),
            calibration: steps.values().map(CalibrationPoint::from).collect(),
            families: families
                .iter()
                .map(|(family, tally)| FamilyReport {
                    family: (*family).into(),
                    outcomes: tally.outcomes,
                    observed_permille: tally.observed(),
                    error_permille: mean(tally.error, tally.expectations),
                    regret_permille: regrets.get(family).copied(),
                })
                .collect(),
            models: models
                .iter()
                .map(|(model, tally)| ModelReport {
                    model: (*model).to_owned(),
                    outcomes: tally.outcomes,
                    observed_permille: tally.observed(),
                    expected_permille: mean(tally.expected, tally.expectations),
                })
                .collect(),
            signals: signals
                .iter()
                .map(|(signal, tally)| SignalCount {
                    signal: (*signal).into(),
                    outcomes: tally.outcomes,
                    score_permille: tally.observed(),
                })
                .collect(),
            caveats: caveats(rated),
        }
    }
}

/// How much better the best model of each kind of work did than all did there: only models count of which enough is
/// known.
fn regrets(families: &BTreeMap<Family, Tally>, of_model: &BTreeMap<(Family, &str), Tally>) -> BTreeMap<Family, u16> {
    let regret = |(family, tally): (&Family, &Tally)| {
        let own = of_model.iter().filter(|((of, _), it)| of == family && it.outcomes >= ENOUGH_OF_MODEL);
        let best = own.map(|(_, it)| it.observed()).max()?;
        Some((*family, best.saturating_sub(tally.observed())))
    };
    families.iter().filter_map(regret).collect()
}

/// Of two answers to similar requests of which one was better, how often that was expected; equal expectations count
/// half.
fn accuracy(outcomes: &[Outcome]) -> Option<u16> {
    let known = outcomes.iter().take(MOST_IN_PAIRS).filter_map(|outcome| {
        let cluster = outcome.task.as_ref()?.cluster;
        Some((cluster, outcome.expected?.get(), outcome.feedback.score.get()))
    });
    let known: Vec<(u16, u16, u16)> = known.collect();
    let (mut pairs, mut points) = (0_u64, 0_u64);
    for (index, one) in known.iter().enumerate() {
        for other in known[index + 1..].iter().filter(|other| other.0 == one.0 && other.2 != one.2) {
            pairs += 2;
            points += match (one.1.cmp(&other.1), one.2.cmp(&other.2)) {
                (std::cmp::Ordering::Equal, _) => 1,
                (expected, observed) if expected == observed => 2,
                _ => 0,
            };
        }
    }
    mean(points * 1_000, pairs)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "thousandths")]
fn thousandths(sum: f64, count: u64) -> u16 {
    (sum / count as f64 * 1_000.0).clamp(0.0, 1_000.0) as u16
}

fn caveats(rated: usize) -> Vec<String> {
    let mut said = vec![
        "People rate some answers and not others, so these are not the qualities of all answers.".to_owned(),
        "Nobody knows how good the models would have been that were not asked: what was given away is measured against \
         the model that was rated best for such work."
            .to_owned(),
        "What is expected without learning is compared over all outcomes, not only those of this time.".to_owned(),
    ];
    if rated < ENOUGH {
        said.push(format!("There are {rated} ratings; fewer than {ENOUGH} say little."));
    }
    said
}

impl From<&Tally> for CalibrationPoint {
    fn from(tally: &Tally) -> Self {
        Self {
            expected_permille: mean(tally.expected, tally.expectations).unwrap_or(0),
            observed_permille: tally.observed(),
            outcomes: tally.outcomes,
        }
    }
}
