//! Providers, models, prices, keys and preferences.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::id::{DeploymentId, KeyId, ModelId, PriceId, ProviderId};
use megarouter_domain::key::{KeyHash, ModelAccess, VirtualKey};
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::price::{Price, Rates, Tariff};
use megarouter_domain::provider::{CredentialSource, Provider};
use megarouter_store::settings::{Change, ChangeError, Noun};

use crate::world::{NOW, homes};

pub fn provider(seed: u8, name: &str) -> Provider {
    Provider {
        id: ProviderId::new(NOW, [seed; 10]),
        name: name.to_owned(),
        kind: "openai".to_owned(),
        base_url: "https://api.openai.com/v1".to_owned(),
        credential: CredentialSource::Environment { variable: "OPENAI_API_KEY".to_owned() },
        dialects: vec![Dialect::OpenAiResponses],
        is_enabled: true,
        region: None,
        keeps_prompts: None,
        pool: vec![],
    }
}

fn price(seed: u8, input: u64) -> Price {
    let rates = Rates { input: NanoUsdPerMillion(input), cached_read: Some(NanoUsdPerMillion(1)), ..Rates::default() };
    Price {
        id: PriceId::new(NOW, [seed; 10]),
        valid_from: NOW,
        tariff: Tariff::of(rates),
        source: "set by hand".to_owned(),
    }
}

pub fn model(seed: u8, name: &str, aliases: &[&str], providers: &[u8]) -> Model {
    let deployment = |provider: &u8| Deployment {
        id: DeploymentId::new(NOW, [seed.wrapping_mul(16).wrapping_add(*provider); 10]),
        provider_id: ProviderId::new(NOW, [*provider; 10]),
        upstream_model: format!("{name}-2026"),
        price: Some(price(seed, 5)),
        max_output_tokens: Some(4_096),
        can_reason: Some(true),
    };
    Model {
        id: ModelId::new(NOW, [seed; 10]),
        name: name.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        deployments: providers.iter().map(deployment).collect(),
        created_at: NOW,
    }
}

pub fn key(seed: u8, name: &str) -> VirtualKey {
    VirtualKey {
        id: KeyId::new(NOW, [seed; 10]),
        name: name.to_owned(),
        owner: None,
        project: None,
        hint: "mr-...abcd".to_owned(),
        hash: Some(KeyHash::from_bytes([seed; 32])),
        models: ModelAccess::Only(vec!["gpt-5".to_owned()]),
        is_strict: false,
        created_at: NOW,
        expires_at: Some(Timestamp::from_micros(7)),
        revoked_at: None,
    }
}

#[tokio::test]
async fn everything_comes_back_as_it_was_put_after_opening_again() {
    for home in homes() {
        let settings = home.open().await;
        let first = settings.load().await.unwrap();
        assert_eq!(first.keys.len(), 1);
        assert_eq!((first.keys[0].id, first.keys[0].hash), (first.playground_key, None));
        let mut put = model(1, "gpt-5", &["smart", "best"], &[2, 1]);
        put.deployments[1].price = Some(price(77, 5));
        let changes = vec![
            Change::PutProvider(provider(1, "openai")),
            Change::PutProvider(Provider { credential: CredentialSource::Stored, ..provider(2, "groq") }),
            Change::PutModel(put.clone()),
            Change::PutKey(key(1, "app")),
            Change::PutPreference { name: "theme".to_owned(), value: "\"dark\"".to_owned() },
            Change::PutPreference { name: "theme".to_owned(), value: "\"light\"".to_owned() },
        ];
        settings.apply(changes).await.unwrap();
        settings.close().await;

        let settings = home.open().await;
        let everything = settings.load().await.unwrap();
        assert_eq!(everything.organization, first.organization);
        assert_eq!(everything.playground_key, first.playground_key);
        assert_eq!(everything.providers[0], provider(1, "openai"));
        assert_eq!(everything.providers[1].credential, CredentialSource::Stored);
        assert_eq!(everything.models, [put]);
        assert!(everything.keys.contains(&key(1, "app")));
        assert_eq!(everything.preferences, [("theme".to_owned(), "\"light\"".to_owned())]);
    }
}

#[tokio::test]
async fn one_refused_change_undoes_those_before_it() {
    for home in homes() {
        let settings = home.open().await;
        let before = settings.load().await.unwrap();
        let changes = vec![
            Change::PutProvider(provider(1, "openai")),
            Change::PutModel(model(1, "gpt-5", &[], &[1])),
            Change::PutModel(model(2, "other", &["gpt-5"], &[1])),
        ];
        let refused = settings.apply(changes).await.unwrap_err();
        let ChangeError::NameTaken { noun, field, name, by } = refused else { panic!("{refused:?}") };
        assert_eq!((noun, field, name.as_str(), by.as_str()), (Noun::Model, "aliases", "gpt-5", "gpt-5"));
        assert_eq!(settings.load().await.unwrap(), before);
    }
}

#[tokio::test]
async fn names_that_are_taken_are_refused_by_field() {
    for home in homes() {
        let settings = home.open().await;
        let good = vec![
            Change::PutProvider(provider(1, "openai")),
            Change::PutModel(model(1, "gpt-5", &["smart"], &[1])),
            Change::PutKey(key(1, "app")),
        ];
        settings.apply(good).await.unwrap();
        let taken = [
            (Change::PutProvider(provider(2, "openai")), "name"),
            (Change::PutModel(model(2, "smart", &[], &[1])), "name"),
            (Change::PutModel(model(2, "new", &["new"], &[1])), "aliases"),
            (Change::PutModel(model(1, "gpt-5", &["a", "a"], &[1])), "aliases"),
            (Change::PutKey(key(2, "app")), "name"),
            (Change::PutKey(key(2, "Playground")), "name"),
        ];
        for (change, expected) in taken {
            let refused = settings.apply(vec![change.clone()]).await.unwrap_err();
            assert!(
                matches!(refused, ChangeError::NameTaken { field, .. } if field == expected),
                "{change:?}: {refused}"
            );
        }
        let same_secret = VirtualKey { hash: key(1, "app").hash, ..key(3, "third") };
        let refused = settings.apply(vec![Change::PutKey(same_secret)]).await.unwrap_err();
        assert!(matches!(refused, ChangeError::SecretTaken { by } if by == "app"));
    }
}

#[tokio::test]
async fn a_changed_price_is_a_new_version_and_an_unchanged_one_is_not() {
    for home in homes() {
        let settings = home.open().await;
        let mut model = model(1, "gpt-5", &[], &[1]);
        settings
            .apply(vec![Change::PutProvider(provider(1, "openai")), Change::PutModel(model.clone())])
            .await
            .unwrap();
        let first = model.deployments[0].price.clone();

        model.deployments[0].price = Some(price(2, 5));
        settings.apply(vec![Change::PutModel(model.clone())]).await.unwrap();
        assert_eq!(settings.load().await.unwrap().models[0].deployments[0].price, first);

        model.deployments[0].price = Some(price(3, 6));
        settings.apply(vec![Change::PutModel(model.clone())]).await.unwrap();
        assert_eq!(settings.load().await.unwrap().models[0].deployments[0].price, Some(price(3, 6)));

        settings.apply(vec![Change::RemoveModel(model.id)]).await.unwrap();
        assert_eq!(home.count("SELECT count(*) FROM prices").await, 2);
        home.execute("UPDATE prices SET valid_from = 0").await.unwrap_err();
        home.execute("DELETE FROM prices").await.unwrap_err();
    }
}

#[tokio::test]
async fn a_provider_in_use_is_removed_only_with_its_models() {
    for home in homes() {
        let settings = home.open().await;
        let mut shared = model(2, "shared", &[], &[1, 2]);
        shared.deployments[1].price = None;
        let good = vec![
            Change::PutProvider(provider(1, "openai")),
            Change::PutProvider(provider(2, "groq")),
            Change::PutModel(model(1, "alone", &[], &[1])),
            Change::PutModel(shared),
        ];
        settings.apply(good).await.unwrap();
        let remove = |with_models| vec![Change::RemoveProvider { id: provider(1, "openai").id, with_models }];
        let refused = settings.apply(remove(false)).await.unwrap_err();
        assert!(matches!(refused, ChangeError::InUse { models } if models == ["alone"]));
        settings.apply(remove(true)).await.unwrap();
        let everything = settings.load().await.unwrap();
        assert_eq!(everything.models.len(), 1);
        assert_eq!(everything.models[0].deployments.len(), 1);
        let again = settings.apply(remove(true)).await.unwrap_err();
        assert!(matches!(again, ChangeError::NotFound { noun: Noun::Provider, .. }));
    }
}

#[tokio::test]
async fn a_revoked_key_stays_revoked_and_frees_its_name() {
    for home in homes() {
        let settings = home.open().await;
        settings.apply(vec![Change::PutKey(key(1, "app"))]).await.unwrap();
        let id = key(1, "app").id;
        settings.apply(vec![Change::RevokeKey { id, at: NOW }]).await.unwrap();
        let later = Timestamp::from_micros(NOW.as_micros() + 1);
        settings.apply(vec![Change::RevokeKey { id, at: later }, Change::PutKey(key(1, "app"))]).await.unwrap();
        let revoked_at =
            async || settings.load().await.unwrap().keys.into_iter().find(|key| key.id == id).unwrap().revoked_at;
        assert_eq!(revoked_at().await, Some(NOW));
        settings.apply(vec![Change::PutKey(key(2, "app"))]).await.unwrap();
        let unknown = settings.apply(vec![Change::RevokeKey { id: key(8, "").id, at: NOW }]).await.unwrap_err();
        assert!(matches!(unknown, ChangeError::NotFound { noun: Noun::Key, .. }));
    }
}

#[tokio::test]
async fn the_playgrounds_key_is_left_alone() {
    for home in homes() {
        let settings = home.open().await;
        let id = settings.load().await.unwrap().playground_key;
        let change = Change::PutKey(VirtualKey { id, ..key(1, "mine") });
        assert!(matches!(settings.apply(vec![change]).await, Err(ChangeError::BuiltIn)));
        let revoke = Change::RevokeKey { id, at: NOW };
        assert!(matches!(settings.apply(vec![revoke]).await, Err(ChangeError::BuiltIn)));
    }
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named() {
    for home in homes() {
        let settings = home.open().await;
        settings.apply(vec![Change::PutProvider(provider(1, "openai"))]).await.unwrap();
        home.execute("UPDATE providers SET credential_source = 'moon'").await.unwrap();
        let error = settings.load().await.unwrap_err();
        assert_eq!(error.to_string(), "providers.credential_source of row openai is not valid: `moon` is none");
    }
}
