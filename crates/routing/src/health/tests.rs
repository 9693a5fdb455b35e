use super::*;
use megarouter_domain::clock::Timestamp;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(1_000 + seconds)
}

fn callee(seed: u8) -> Callee {
    let now = Timestamp::from_micros(0);
    Callee { deployment: DeploymentId::new(now, [seed; 10]), provider: ProviderId::new(now, [1; 10]), credential: None }
}

fn second_key(seed: u8) -> Callee {
    Callee { credential: Some(CredentialId::new(Timestamp::from_micros(0), [7; 10])), ..callee(seed) }
}

fn state(health: &Health, callee: Callee, now: Duration) -> State {
    health.condition(callee.deployment, callee.provider, &[None], 100, now).state
}

fn call(health: &mut Health, callee: Callee, ended: Ended, now: Duration) {
    assert_eq!(health.begin(callee, true, now), Admission::Begun);
    health.end(callee, ended, now);
}

fn served(first_output_ms: u64) -> Ended {
    let first_output = Duration::from_millis(first_output_ms);
    Ended::Served {
        first_output: Some(first_output),
        total: first_output + Duration::from_secs(2),
        output_tokens: Some(100),
    }
}

const BROKEN: Ended = Ended::Failed(Fault::Broken);

fn limited(seconds: Option<u64>) -> Ended {
    Ended::Failed(Fault::RateLimited { retry_after: seconds.map(Duration::from_secs) })
}

fn broken() -> Health {
    let mut health = Health::default();
    for _ in 0..3 {
        call(&mut health, callee(1), BROKEN, at(0));
    }
    health
}

#[test]
fn three_failures_in_a_row_open_the_breaker_and_one_success_closes_it() {
    let mut health = Health::default();
    call(&mut health, callee(1), BROKEN, at(0));
    call(&mut health, callee(1), BROKEN, at(0));
    call(&mut health, callee(1), served(100), at(0));
    call(&mut health, callee(1), BROKEN, at(0));
    call(&mut health, callee(1), BROKEN, at(0));
    assert_eq!(state(&health, callee(1), at(0)), State::Ready);
    call(&mut health, callee(1), BROKEN, at(0));
    assert_eq!(state(&health, callee(1), at(1)), State::Resting(Duration::from_secs(4)));
    assert_eq!(state(&health, callee(2), at(1)), State::Ready, "others are not concerned");
    assert_eq!(state(&health, callee(1), at(5)), State::Probation);
    call(&mut health, callee(1), served(100), at(5));
    assert_eq!(state(&health, callee(1), at(5)), State::Ready);
}

#[test]
fn at_half_open_there_is_one_probe_at_a_time() {
    let mut health = broken();
    assert_eq!(health.begin(callee(1), false, at(2)), Admission::Later(Duration::from_secs(3)));
    assert_eq!(health.begin(callee(1), false, at(5)), Admission::Begun);
    assert!(matches!(health.begin(callee(1), false, at(5)), Admission::Later(_)));
    assert!(matches!(state(&health, callee(1), at(6)), State::Resting(_)));
    // A probe whose caller has left says nothing, and there may be another.
    health.end(callee(1), Ended::Failed(Fault::None), at(7));
    assert_eq!(health.begin(callee(1), false, at(7)), Admission::Begun);
    // So there may when a probe does not come back.
    assert_eq!(health.begin(callee(1), false, at(40)), Admission::Begun);
}

#[test]
fn rests_get_longer_up_to_a_minute() {
    let mut health = broken();
    let mut now = at(5);
    let mut rests = Vec::new();
    for _ in 0..6 {
        call(&mut health, callee(1), BROKEN, now);
        let State::Resting(rest) = state(&health, callee(1), now) else { panic!("it rests") };
        rests.push(rest.as_secs());
        now += rest;
    }
    assert_eq!(rests, [10, 20, 40, 60, 60, 60]);
}

#[test]
fn what_is_in_the_air_when_it_opens_does_not_lengthen_the_rest() {
    let mut health = Health::default();
    for _ in 0..10 {
        assert_eq!(health.begin(callee(1), false, at(0)), Admission::Begun);
    }
    for _ in 0..10 {
        health.end(callee(1), BROKEN, at(1));
    }
    assert_eq!(state(&health, callee(1), at(1)), State::Resting(Duration::from_secs(5)));
}

#[test]
fn what_says_nothing_of_the_provider_never_opens_the_breaker() {
    let mut health = Health::default();
    for _ in 0..100 {
        call(&mut health, callee(1), Ended::Failed(Fault::None), at(0));
    }
    let condition = health.condition(callee(1).deployment, callee(1).provider, &[None], 0, at(0));
    assert_eq!((condition.state, condition.availability, condition.in_flight), (State::Ready, None, 0));
}

#[test]
fn a_rate_limit_rests_one_credential_at_one_deployment() {
    let mut health = Health::default();
    call(&mut health, callee(1), limited(Some(30)), at(0));
    let keys = [None, second_key(1).credential];
    let provider = callee(1).provider;
    let condition =
        |health: &Health, seed: u8| health.condition(callee(seed).deployment, provider, &keys, 0, at(1)).state;
    assert_eq!(condition(&health, 1), State::Ready, "the other key goes on");
    assert_eq!(health.choose(callee(1).deployment, provider, &keys, 0, at(1)), Some(keys[1]));
    call(&mut health, second_key(1), limited(Some(10)), at(1));
    assert_eq!(condition(&health, 1), State::Limited(Duration::from_secs(10)));
    assert_eq!(condition(&health, 2), State::Ready, "limits are by model");
    assert_eq!(state(&health, callee(1), at(30)), State::Ready);
}

#[test]
fn a_refused_credential_rests_at_all_deployments_of_its_provider() {
    let mut health = Health::default();
    call(&mut health, callee(1), Ended::Failed(Fault::Credential), at(0));
    let keys = [None, second_key(1).credential];
    assert_eq!(state(&health, callee(2), at(1)), State::Limited(Duration::from_secs(299)));
    assert_eq!(health.choose(callee(2).deployment, callee(2).provider, &keys, 0, at(1)), Some(keys[1]));
    health.credential_replaced(callee(1).provider);
    assert_eq!(state(&health, callee(2), at(1)), State::Ready);
}

#[test]
fn of_several_credentials_the_least_loaded_is_used() {
    let mut health = Health::default();
    let keys = [None, second_key(1).credential];
    let choose = |health: &Health| health.choose(callee(1).deployment, callee(1).provider, &keys, 0, at(0));
    assert_eq!(choose(&health), Some(None));
    health.begin(callee(1), false, at(0));
    assert_eq!(choose(&health), Some(keys[1]));
    health.begin(second_key(1), false, at(0));
    health.end(callee(1), served(10), at(0));
    assert_eq!(choose(&health), Some(None));
    assert_eq!(health.choose(callee(1).deployment, callee(1).provider, &[], 0, at(0)), None);
}

#[test]
fn a_request_that_would_be_over_the_limit_is_not_sent() {
    let mut health = Health::default();
    let limits = RateLimits {
        requests: Some(5),
        requests_reset: Some(Duration::from_secs(1)),
        tokens: Some(800),
        tokens_reset: Some(Duration::from_secs(20)),
    };
    health.limits(callee(1), limits, at(0));
    let of_size = |tokens, now| health.condition(callee(1).deployment, callee(1).provider, &[None], tokens, now).state;
    assert_eq!(of_size(800, at(0)), State::Ready);
    assert_eq!(of_size(801, at(5)), State::Limited(Duration::from_secs(15)));
    assert_eq!(of_size(801, at(20)), State::Ready, "it was renewed");
    assert_eq!(health.limits_left(callee(1).deployment, None, at(5)).requests, None, "that one was renewed");
    assert_eq!(health.limits_left(callee(1).deployment, None, at(5)).tokens, Some(800));
    let none_left = RateLimits { requests: Some(0), requests_reset: Some(Duration::from_secs(3)), ..limits };
    let mut health = Health::default();
    health.limits(callee(1), none_left, at(0));
    assert_eq!(state(&health, callee(1), at(1)), State::Limited(Duration::from_secs(2)));
}

#[test]
fn an_overloaded_provider_rests_as_long_as_it_asks_and_no_longer_than_five_minutes() {
    let overloaded = |seconds| Ended::Failed(Fault::Overloaded { retry_after: Some(Duration::from_secs(seconds)) });
    let mut health = Health::default();
    call(&mut health, callee(1), overloaded(20), at(0));
    assert_eq!(state(&health, callee(1), at(0)), State::Resting(Duration::from_secs(20)));
    assert_eq!(state(&health, callee(1), at(20)), State::Probation);
    call(&mut health, callee(1), overloaded(86_400), at(20));
    assert_eq!(state(&health, callee(1), at(20)), State::Resting(Duration::from_secs(300)));
    let mut health = Health::default();
    call(&mut health, callee(1), overloaded(0), at(0));
    assert_eq!(state(&health, callee(1), at(0)), State::Ready, "0 is no wish");
}

#[test]
fn one_that_serves_far_less_than_the_others_is_set_apart() {
    let mut health = Health::default();
    for round in 0..12 {
        call(&mut health, callee(2), served(100), at(round));
        call(&mut health, callee(3), served(100), at(round));
        // Every other call fails, so there never are three in a row.
        call(&mut health, callee(1), if round % 2 == 0 { served(100) } else { BROKEN }, at(round));
        if round < 8 {
            assert_eq!(state(&health, callee(1), at(round)), State::Ready);
        }
    }
    assert!(matches!(state(&health, callee(1), at(11)), State::Resting(_)));
    assert_eq!(state(&health, callee(2), at(11)), State::Ready);
}

#[test]
fn the_peak_rises_at_once_and_falls_slowly() {
    let mut health = Health::default();
    let condition = |health: &Health, now| health.condition(callee(1).deployment, callee(1).provider, &[None], 0, now);
    for _ in 0..5 {
        call(&mut health, callee(1), served(100), at(0));
    }
    call(&mut health, callee(1), served(1_100), at(0));
    let usual = Duration::from_millis(300);
    assert_eq!(condition(&health, at(0)).first_output, Some(usual));
    assert_eq!(condition(&health, at(0)).peak, Some(Duration::from_millis(1_100)));
    assert_eq!(condition(&health, at(20)).peak, Some(Duration::from_millis(700)));
    let late = condition(&health, at(10_000)).peak.unwrap();
    assert!(late > usual && late < usual + Duration::from_millis(3));
    assert_eq!(condition(&health, at(0)).tokens_per_second, Some(50));
}

#[test]
fn old_outcomes_are_forgotten() {
    let mut health = Health::default();
    call(&mut health, callee(1), BROKEN, at(0));
    call(&mut health, callee(1), served(1), at(0));
    let share = |health: &Health, now| {
        health.condition(callee(1).deployment, callee(1).provider, &[None], 0, now).availability.map(Permille::get)
    };
    assert_eq!(share(&health, at(1)), Some(500));
    assert_eq!(share(&health, at(16 * 60)), None);
    call(&mut health, callee(1), served(1), at(16 * 60));
    assert_eq!(share(&health, at(16 * 60)), Some(1_000));
}

#[test]
fn a_fifth_of_the_requests_may_be_repeated() {
    let mut health = Health::default();
    let provider = callee(1).provider;
    let in_hand = (0..100).filter(|_| health.may_repeat(provider, at(0))).count();
    assert_eq!(in_hand, 10);
    let mut repeated = 0;
    for _ in 0..1_000 {
        health.called(provider, at(0));
        repeated += usize::from(health.may_repeat(provider, at(0)));
    }
    assert_eq!(repeated, 200);
    assert!(!health.may_repeat(provider, at(0)));
    assert!(health.may_repeat(provider, at(1)), "and one a second, whatever the traffic");
    assert!(!health.may_repeat(provider, at(1)));
}

#[test]
fn a_probe_ends_a_rest_early_but_only_a_call_closes_the_breaker() {
    let mut health = broken();
    health.probed(callee(1).deployment, true, at(1));
    assert_eq!(state(&health, callee(1), at(1)), State::Probation);
    call(&mut health, callee(1), BROKEN, at(1));
    assert!(matches!(state(&health, callee(1), at(2)), State::Resting(_)));
}

#[test]
fn deployments_that_are_gone_are_forgotten_once_their_calls_have_ended() {
    let mut health = broken();
    health.begin(callee(2), false, at(0));
    health.keep_only(|_| false);
    assert_eq!(state(&health, callee(1), at(0)), State::Ready);
    assert_eq!(health.condition(callee(2).deployment, callee(2).provider, &[None], 0, at(0)).in_flight, 1);
    health.end(callee(2), served(1), at(0));
    health.keep_only(|_| false);
    assert_eq!(health.condition(callee(2).deployment, callee(2).provider, &[None], 0, at(0)), Condition::default());
}

#[test]
fn an_answer_in_one_piece_tells_of_the_time_before_it_was_written() {
    let mut health = Health::default();
    let first_output =
        |health: &Health| health.condition(callee(1).deployment, callee(1).provider, &[None], 0, at(0)).first_output;
    let whole = |seconds| {
        let total = Duration::from_secs(seconds);
        Ended::Served { first_output: Some(total), total, output_tokens: Some(100) }
    };
    call(&mut health, callee(1), whole(3), at(0));
    assert_eq!(first_output(&health), Some(Duration::from_secs(3)), "nobody knows better yet");
    let mut health = Health::default();
    call(&mut health, callee(1), served(500), at(0));
    // 50 tokens a second: 100 of them take two seconds.
    call(&mut health, callee(1), whole(3), at(0));
    assert_eq!(first_output(&health), Some(Duration::from_millis(600)));
    call(&mut health, callee(1), Ended::Served { first_output: None, total: at(0), output_tokens: None }, at(0));
    assert_eq!(first_output(&health), Some(Duration::from_millis(600)), "counting tokens is no measure");
}
