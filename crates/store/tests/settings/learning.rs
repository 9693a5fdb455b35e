//! Outcomes with what is learnt from them, and replays.

use std::time::Duration;

use megarouter_domain::feedback::{Feedback, Signal};
use megarouter_domain::id::{DeploymentId, KeyId, LedgerId, ModelId, PolicyId, ReplayId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::permille::Permille;
use megarouter_domain::price::Cost;
use megarouter_domain::record::Operation;
use megarouter_domain::task::{Family, TaskRecord};
use megarouter_store::settings::outcomes::{LearntState, Outcome};
use megarouter_store::settings::replays::{CLAIM, Promotion, Replay, ReplayAnswer, ReplayItem, ReplayState};
use megarouter_store::settings::{Mirror, Settings};

use crate::world::{Home, NOW, homes};

fn outcome(seed: u8, score: u16) -> Outcome {
    let task = TaskRecord {
        family: Family::Code,
        confidence: Permille::ONE,
        difficulty: Permille::clamped(700),
        need: Permille::clamped(600),
        cluster: 3,
        evidence: vec![],
    };
    Outcome {
        number: 0,
        feedback: Feedback {
            request_id: RequestId::new(NOW, [seed; 10]),
            at: NOW.plus(Duration::from_secs(seed.into())),
            signal: Signal::Rated,
            score: Permille::clamped(score.into()),
            comment: (seed == 1).then(|| "well done".into()),
        },
        key_id: Some(KeyId::new(NOW, [1; 10])),
        policy_id: Some(PolicyId::new(NOW, [1; 10])),
        model: Some("gpt-5".to_owned()),
        deployment_id: Some(DeploymentId::new(NOW, [1; 10])),
        expected: Some(Permille::clamped(800)),
        task: Some(task),
        sketch: Some(vec![seed, 0, 255]),
        traits: "{}".to_owned(),
    }
}

fn numbered(outcome: Outcome, number: u64) -> Outcome {
    Outcome { number, ..outcome }
}

fn plain(seed: u8, score: u16) -> Outcome {
    let bare = outcome(seed, score);
    let (key_id, policy_id, model) = (None, None, None);
    Outcome { key_id, policy_id, model, deployment_id: None, expected: None, task: None, sketch: None, ..bare }
}

#[tokio::test]
async fn outcomes_come_back_in_the_order_they_were_written() {
    for home in homes() {
        let settings = home.open().await;
        assert_eq!(settings.add_outcomes(&[outcome(1, 1_000), plain(2, 0)]).await.unwrap(), 2);
        assert_eq!(settings.add_outcomes(&[outcome(3, 500)]).await.unwrap(), 3);
        let all = [numbered(outcome(1, 1_000), 1), numbered(plain(2, 0), 2), numbered(outcome(3, 500), 3)];
        assert_eq!(settings.outcomes_after(0, 10).await.unwrap(), all, "{}", home.name());
        assert_eq!(settings.outcomes_after(1, 1).await.unwrap(), all[1..2]);
        assert_eq!(settings.outcomes_before(3, 10).await.unwrap(), [all[1].clone(), all[0].clone()]);
        let at = |seconds| NOW.plus(Duration::from_secs(seconds));
        assert_eq!(settings.outcomes_between(at(2), at(3)).await.unwrap(), all[1..2]);
        assert_eq!(settings.outcomes_of(all[2].feedback.request_id).await.unwrap(), all[2..]);
        assert_eq!(settings.outcome_news().await.unwrap().last, 3);
    }
}

#[tokio::test]
async fn what_is_said_again_is_passed_over_and_what_is_said_anew_is_heard_so_often() {
    for home in homes() {
        let settings = home.open().await;
        let add = async |outcome: Outcome| settings.add_outcomes(&[outcome]).await.unwrap();
        assert_eq!([add(plain(2, 0)).await, add(plain(2, 0)).await, add(plain(2, 1_000)).await], [1, 1, 2]);
        for turn in 0..40 {
            add(plain(2, if turn % 2 == 0 { 0 } else { 1_000 })).await;
        }
        assert_eq!(settings.outcome_news().await.unwrap().last, 20);
    }
}

#[tokio::test]
async fn two_nodes_that_write_at_once_leave_no_gap() {
    let home = Home::hub();
    let (one, two) = (home.open().await, home.open().await);
    let write = |settings: Settings, seeds: std::ops::Range<u8>| {
        tokio::spawn(async move {
            for seed in seeds {
                settings.add_outcomes(&[plain(seed, 1), plain(seed + 100, 2)]).await.unwrap();
            }
        })
    };
    let (first, second) = (write(one, 0..20), write(two, 20..40));
    first.await.unwrap();
    second.await.unwrap();
    let numbers: Vec<u64> =
        home.open().await.outcomes_after(0, 1_000).await.unwrap().iter().map(|outcome| outcome.number).collect();
    assert_eq!(numbers, (1..=80).collect::<Vec<u64>>());
}

#[tokio::test]
async fn what_is_learnt_only_grows_until_it_is_replaced() {
    for home in homes() {
        let settings = home.open().await;
        assert_eq!(settings.learnt().await.unwrap(), LearntState::default());
        settings.add_outcomes(&[outcome(1, 1), outcome(2, 2), outcome(3, 3)]).await.unwrap();
        let state = |bytes: &[u8], upto, generation| LearntState {
            state: Some(bytes.to_vec()),
            upto,
            generation,
            changed_at: Some(NOW),
        };
        assert!(settings.keep_learnt(&state(&[1, 2], 2, 0)).await.unwrap());
        assert!(!settings.keep_learnt(&state(&[9], 1, 0)).await.unwrap(), "an older one");
        assert!(!settings.keep_learnt(&state(&[9], 3, 1)).await.unwrap(), "of another generation");
        assert_eq!(settings.learnt().await.unwrap(), state(&[1, 2], 2, 0));
        settings.replace_learnt(None, NOW).await.unwrap();
        let empty = LearntState { state: None, ..state(&[], 3, 1) };
        assert_eq!(settings.learnt().await.unwrap(), empty);
        assert!(!settings.keep_learnt(&state(&[1, 2, 3], 4, 0)).await.unwrap(), "learnt before the reset");
        settings.replace_learnt(Some(vec![7]), NOW).await.unwrap();
        assert_eq!(home.open().await.learnt().await.unwrap(), state(&[7], 3, 2));
    }
}

#[tokio::test]
async fn a_mirror_keeps_what_was_learnt() {
    let dir = tempfile::tempdir().unwrap();
    let learnt = LearntState { state: Some(vec![1]), upto: 7, generation: 2, changed_at: Some(NOW) };
    Mirror::open(dir.path()).await.unwrap().keep_learnt(&learnt).await.unwrap();
    assert_eq!(Mirror::open(dir.path()).await.unwrap().learnt().await.unwrap(), learnt);
}

fn replay(seed: u8) -> Replay {
    Replay {
        id: ReplayId::new(NOW, [seed; 10]),
        name: "Cheaper?".to_owned(),
        candidates: vec!["small".to_owned(), "large".to_owned()],
        judge: Some("large".to_owned()),
        max_cost: NanoUsd(1_000_000),
        cost: NanoUsd::ZERO,
        state: ReplayState::Waiting,
        detail: None,
        promotion: None,
        created_at: NOW.plus(Duration::from_secs(seed.into())),
        finished_at: None,
    }
}

fn answer(position: u32, text: &str) -> ReplayAnswer {
    ReplayAnswer {
        position,
        model: "small".to_owned(),
        request_id: Some(RequestId::new(NOW, [position.try_into().unwrap(); 10])),
        text: Some(text.to_owned()),
        error: None,
        cost: Some(Cost::Exact(NanoUsd(40))),
        total_ms: Some(1_200),
        output_tokens: Some(12),
    }
}

fn item(number: u32, answers: Vec<ReplayAnswer>) -> ReplayItem {
    ReplayItem {
        number,
        request_id: (!answers.is_empty()).then(|| RequestId::new(NOW, [9; 10])),
        operation: Operation::ChatCompletions,
        body: r#"{"messages":[{"role":"user","content":"hello"}]}"#.to_owned(),
        answers,
        vote: None,
        judgement: None,
        reason: None,
    }
}

#[tokio::test]
async fn a_replay_gathers_answers_votes_and_what_they_cost() {
    for home in homes() {
        let settings = home.open().await;
        let id = replay(1).id;
        settings.add_replay(&replay(1), &[item(1, vec![answer(0, "old")]), item(2, vec![])]).await.unwrap();
        settings.answer_replay(id, 1, &answer(1, "new\0")).await.unwrap();
        settings.answer_replay(id, 2, &answer(1, "other")).await.unwrap();
        settings.judge_replay(id, 1, (Some(1), "it is shorter"), NanoUsd(5)).await.unwrap();
        assert!(settings.vote_replay(id, 2, None).await.unwrap());
        assert!(!settings.vote_replay(id, 3, None).await.unwrap());
        let model = |seed| ModelId::new(NOW, [seed; 10]);
        let (name, from_name, to_name) = ("smart".to_owned(), "large".to_owned(), "small".to_owned());
        let promotion = Promotion { name, from: model(1), from_name, to: model(2), to_name, at: NOW };
        settings.promote_replay(id, Some(&promotion)).await.unwrap();
        let first = ReplayItem {
            judgement: Some(Some(1)),
            reason: Some("it is shorter".to_owned()),
            ..item(1, vec![answer(0, "old"), answer(1, "new")])
        };
        let second = ReplayItem { vote: Some(None), request_id: None, ..item(2, vec![answer(1, "other")]) };
        let expected = Replay { cost: NanoUsd(85), promotion: Some(promotion), ..replay(1) };
        let found = home.open().await.replay(id).await.unwrap();
        assert_eq!(found, Some((expected.clone(), vec![first, second])), "{}", home.name());
        assert_eq!(settings.replays().await.unwrap(), [expected]);
        assert!(settings.remove_replay(id).await.unwrap() && !settings.remove_replay(id).await.unwrap());
        assert_eq!(home.count("SELECT count(*) FROM replay_answers").await, 0);
    }
}

#[tokio::test]
async fn one_node_runs_a_replay_until_it_stops() {
    for home in homes() {
        let settings = home.open().await;
        let node = |seed| LedgerId::new(NOW, [seed; 10]);
        settings.add_replay(&replay(2), &[]).await.unwrap();
        settings.add_replay(&replay(1), &[]).await.unwrap();
        let claim = async |seed, now| settings.claim_replay(node(seed), now).await.unwrap().map(|replay| replay.id);
        let (first, second) = (Some(replay(1).id), Some(replay(2).id));
        assert_eq!(claim(1, NOW).await, first);
        assert_eq!(claim(1, NOW).await, first, "its own");
        assert_eq!(claim(2, NOW).await, second);
        assert_eq!(claim(3, NOW).await, None);
        let renew = async |seed, now| settings.renew_claim(replay(2).id, node(seed), now).await.unwrap();
        assert_eq!(
            (renew(1, NOW).await, renew(2, NOW.plus(CLAIM)).await.map(|replay| replay.state)),
            (None, Some(ReplayState::Running))
        );
        let later = NOW.plus(CLAIM);
        assert_eq!(claim(3, later).await, first, "of a node that has stopped");
        assert!(settings.end_replay(replay(1).id, ReplayState::CostReached, Some("enough"), later).await.unwrap());
        assert!(!settings.end_replay(replay(1).id, ReplayState::Stopped, None, NOW).await.unwrap());
        let ended = settings.replay(replay(1).id).await.unwrap().unwrap().0;
        assert_eq!((ended.state, ended.finished_at), (ReplayState::CostReached, Some(later)));
        assert_eq!(claim(3, later).await, None, "renewed meanwhile");
        assert_eq!(claim(3, later.plus(CLAIM)).await, second);
    }
}
