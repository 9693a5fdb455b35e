//! Policies, their versions, and the names that they share with models.

use std::time::Duration;

use megarouter_domain::id::{CredentialId, PolicyId};
use megarouter_domain::policy::{Body, Condition, Policy, PolicyError, Route, Rule, Trial, TrialMode, Version};
use megarouter_domain::provider::{CredentialSource, Pooled, Provider};
use megarouter_store::settings::{Change, ChangeError, Mirror, Noun, Settings};

use crate::configuration::{model, provider};
use crate::world::{Home, NOW, homes};

fn body(strategy: &str) -> Body {
    let route = Route { strategy: strategy.to_owned(), ..Route::default() };
    Body { takes_over: vec!["gpt-*".to_owned()], rules: vec![Rule { name: String::new(), when: vec![], route }] }
}

fn version(number: u32, strategy: &str) -> Version {
    Version { number, body: body(strategy), text: None, note: strategy.to_owned(), made_at: NOW }
}

fn policy(seed: u8, name: &str) -> Policy {
    Policy {
        id: PolicyId::new(NOW, [seed; 10]),
        name: name.to_owned(),
        description: "For tests".to_owned(),
        live: version(1, "fixed_order"),
        trial: None,
        created_at: NOW.plus(Duration::from_secs(seed.into())),
        archived_at: None,
    }
}

async fn put(settings: &Settings, policy: &Policy) -> Result<(), ChangeError> {
    settings.apply(vec![Change::PutPolicy(policy.clone())]).await
}

async fn stored(settings: &Settings, id: PolicyId) -> Policy {
    let policies = settings.load().await.unwrap().policies;
    policies.into_iter().find(|policy| policy.id == id).expect("it was put")
}

async fn numbers(settings: &Settings, id: PolicyId) -> Vec<u32> {
    settings.versions(id).await.unwrap().iter().map(|version| version.number).collect()
}

#[tokio::test]
async fn a_new_organization_has_a_policy_that_weighs_all_models() {
    for home in homes() {
        let policies = home.open().await.load().await.unwrap().policies;
        let [auto] = policies.as_slice() else { panic!("{policies:?}") };
        assert_eq!((auto.name.as_str(), auto.live.number), ("auto", 1));
        assert_eq!(auto.live.body.rules[0].route.strategy, "learned_utility");
        auto.check().unwrap();
        let settings = home.open().await;
        settings.apply(vec![Change::ArchivePolicy { id: auto.id, at: NOW }]).await.unwrap();
        let again = home.open().await.load().await.unwrap().policies;
        assert_eq!((again.len(), again[0].archived_at), (1, Some(NOW)), "{}: it is not made again", home.name());
    }
}

#[tokio::test]
async fn what_is_changed_becomes_a_version_and_versions_stay() {
    for home in homes() {
        let settings = home.open().await;
        let mut policy = policy(1, "fast");
        put(&settings, &policy).await.unwrap();
        put(&settings, &policy).await.unwrap();
        assert_eq!(numbers(&settings, policy.id).await, [1]);
        assert_eq!(stored(&settings, policy.id).await, policy);

        policy.description = "Renamed".to_owned();
        policy.live.body = body("lowest_cost");
        put(&settings, &policy).await.unwrap();
        policy.live.number = 2;
        assert_eq!(stored(&settings, policy.id).await, policy);

        policy.live.text = Some("rules: # with a comment".to_owned());
        put(&settings, &policy).await.unwrap();
        policy.live.number = 3;
        assert_eq!(stored(&settings, policy.id).await, policy);

        let first = version(1, "fixed_order");
        policy.live = Version { note: "not a reason for a new one".to_owned(), ..first.clone() };
        put(&settings, &policy).await.unwrap();
        assert_eq!(stored(&settings, policy.id).await.live, first, "rolled back");
        assert_eq!(numbers(&settings, policy.id).await, [3, 2, 1]);
        home.execute("UPDATE policy_versions SET note = 'x'").await.unwrap_err();
    }
}

#[tokio::test]
async fn a_trial_is_a_version_beside_the_live_one() {
    for home in homes() {
        let settings = home.open().await;
        let mut policy = policy(1, "fast");
        let mode = TrialMode::Canary { percent: 5 };
        policy.trial = Some(Trial { version: version(0, "round_robin"), mode, since: NOW });
        put(&settings, &policy).await.unwrap();
        policy.trial = Some(Trial { version: version(2, "round_robin"), mode, since: NOW });
        assert_eq!(stored(&settings, policy.id).await, policy);
        policy.trial = Some(Trial { version: version(2, "round_robin"), mode: TrialMode::Shadow, since: NOW });
        put(&settings, &policy).await.unwrap();
        assert_eq!(stored(&settings, policy.id).await, policy);
        // Put in force.
        (policy.live, policy.trial) = (version(2, "round_robin"), None);
        put(&settings, &policy).await.unwrap();
        assert_eq!(stored(&settings, policy.id).await, policy);
        assert_eq!(numbers(&settings, policy.id).await, [2, 1]);
    }
}

#[tokio::test]
async fn a_name_is_that_of_one_model_or_of_one_policy() {
    for home in homes() {
        let settings = home.open().await;
        settings.apply(vec![Change::PutProvider(provider(1, "openai"))]).await.unwrap();
        settings.apply(vec![Change::PutModel(model(1, "gpt-5", &["smart"], &[1]))]).await.unwrap();
        let taken = [
            (Change::PutPolicy(policy(1, "gpt-5")), Noun::Model, "name", "gpt-5"),
            (Change::PutPolicy(policy(1, "smart")), Noun::Model, "name", "gpt-5"),
            (Change::PutPolicy(policy(1, "auto")), Noun::Policy, "name", "auto"),
            (Change::PutModel(model(2, "auto", &[], &[1])), Noun::Policy, "name", "auto"),
            (Change::PutModel(model(2, "other", &["auto"], &[1])), Noun::Policy, "aliases", "auto"),
        ];
        for (change, noun, field, by) in taken {
            let refused = settings.apply(vec![change.clone()]).await.unwrap_err();
            let ChangeError::NameTaken { noun: found, field: at, by: owner, .. } = refused else { panic!("{refused}") };
            assert_eq!((found, at, owner.as_str()), (noun, field, by), "{change:?}");
        }
        let auto = settings.load().await.unwrap().policies[0].clone();
        settings.apply(vec![Change::ArchivePolicy { id: auto.id, at: NOW }]).await.unwrap();
        settings.apply(vec![Change::PutModel(model(2, "auto", &[], &[1]))]).await.unwrap();
        let back = put(&settings, &auto).await.unwrap_err();
        assert!(matches!(back, ChangeError::NameTaken { noun: Noun::Model, .. }), "{back}");
    }
}

#[tokio::test]
async fn what_could_not_be_put_in_force_is_refused() {
    for home in homes() {
        let settings = home.open().await;
        let mut open = policy(1, "fast");
        open.live.body.rules[0].when = vec![Condition::Asked { models: vec!["gpt-5".to_owned()] }];
        let refused = put(&settings, &open).await.unwrap_err();
        assert!(matches!(refused, ChangeError::Policy(PolicyError::NoLast)), "{refused}");
        let unknown = Change::ArchivePolicy { id: open.id, at: NOW };
        let refused = settings.apply(vec![unknown]).await.unwrap_err();
        assert!(matches!(refused, ChangeError::NotFound { noun: Noun::Policy, .. }), "{refused}");
    }
}

#[tokio::test]
async fn what_is_known_of_a_provider_and_its_credentials_comes_back() {
    for home in homes() {
        let settings = home.open().await;
        let pooled = |seed: u8, source| Pooled {
            id: CredentialId::new(NOW, [seed; 10]),
            name: format!("key {seed}"),
            source,
            is_enabled: seed == 1,
        };
        let known = Provider {
            region: Some("eu".to_owned()),
            keeps_prompts: Some(false),
            pool: vec![
                pooled(1, CredentialSource::Stored),
                pooled(2, CredentialSource::Environment { variable: "SECOND".to_owned() }),
            ],
            ..provider(1, "openai")
        };
        let changes = vec![Change::PutProvider(known.clone()), Change::PutProvider(provider(2, "groq"))];
        settings.apply(changes).await.unwrap();
        assert_eq!(settings.load().await.unwrap().providers, [known, provider(2, "groq")]);
    }
}

#[tokio::test]
async fn a_mirror_has_the_versions_in_force_even_when_the_hub_was_restored() {
    let (home, dir) = (Home::hub(), tempfile::tempdir().unwrap());
    let settings = home.open().await;
    let mirror = Mirror::open(dir.path()).await.unwrap();
    let mut policy = policy(1, "fast");
    policy.trial = Some(Trial { version: version(0, "weighted"), mode: TrialMode::Shadow, since: NOW });
    put(&settings, &policy).await.unwrap();
    let mut everything = settings.load().await.unwrap();
    mirror.keep(&everything).await.unwrap();
    assert_eq!(mirror.load().await.unwrap().as_ref(), Some(&everything));
    // Of the same number, with another body.
    everything.policies[1].live.body = body("lowest_latency");
    mirror.keep(&everything).await.unwrap();
    assert_eq!(mirror.load().await.unwrap(), Some(everything));
}
