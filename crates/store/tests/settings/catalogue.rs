//! What the catalogue needs of the settings: providers' lists and the history of prices.

use megarouter_domain::catalog::ListedModel;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{DeploymentId, ModelId, PriceId, ProviderId};
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::price::{Price, Rates, Tariff};
use megarouter_domain::provider::{CredentialSource, Provider};
use megarouter_store::settings::{Change, ModelList};

use crate::world::{NOW, homes};

fn provider() -> Provider {
    Provider {
        id: ProviderId::new(NOW, [1; 10]),
        name: "openai".to_owned(),
        kind: "openai".to_owned(),
        base_url: "https://api.openai.com/v1".to_owned(),
        credential: CredentialSource::None,
        dialects: vec![],
        is_enabled: true,
        region: None,
        keeps_prompts: None,
        pool: vec![],
    }
}

fn price(seed: u8) -> Price {
    let rates = Rates { input: NanoUsdPerMillion(seed.into()), ..Rates::default() };
    Price {
        id: PriceId::new(NOW, [seed; 10]),
        valid_from: Timestamp::from_micros(seed.into()),
        tariff: Tariff::of(rates),
        source: "catalogue 2026-11-22 (litellm)".to_owned(),
    }
}

fn model(price: Price) -> Model {
    let deployment = Deployment {
        id: DeploymentId::new(NOW, [2; 10]),
        provider_id: provider().id,
        upstream_model: "gpt".to_owned(),
        price: Some(price),
        max_output_tokens: None,
        can_reason: None,
    };
    let id = ModelId::new(NOW, [3; 10]);
    Model { id, name: "gpt".to_owned(), aliases: vec![], deployments: vec![deployment], created_at: NOW }
}

#[tokio::test]
async fn every_version_of_a_price_is_kept() {
    for home in homes() {
        let settings = home.open().await;
        settings.apply(vec![Change::PutProvider(provider()), Change::PutModel(model(price(1)))]).await.unwrap();
        settings.apply(vec![Change::PutModel(model(price(2)))]).await.unwrap();
        let id = model(price(1)).deployments[0].id;
        assert_eq!(settings.prices(id).await.unwrap(), [price(2), price(1)]);
        assert_eq!(settings.prices(DeploymentId::new(NOW, [7; 10])).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_price_is_renewed_only_where_nobody_else_changed_it() {
    for home in homes() {
        let settings = home.open().await;
        settings.apply(vec![Change::PutProvider(provider()), Change::PutModel(model(price(1)))]).await.unwrap();
        let deployment = model(price(1)).deployments[0].id;
        let renew = |old: u8, new: u8| Change::RenewPrice { deployment, old: Some(price(old).id), price: price(new) };
        let current = async || settings.load().await.unwrap().models[0].deployments[0].price.clone().unwrap();
        settings.apply(vec![renew(1, 2)]).await.unwrap();
        assert_eq!(current().await, price(2));
        settings.apply(vec![renew(1, 3)]).await.unwrap();
        assert_eq!(current().await, price(2), "it is not the one that was looked at");
        assert_eq!(settings.prices(deployment).await.unwrap().len(), 2);
        let fill = |new: u8| Change::RenewPrice { deployment, old: None, price: price(new) };
        settings.apply(vec![fill(4)]).await.unwrap();
        assert_eq!(current().await, price(2), "it has one");
        let mut unpriced = model(price(1));
        unpriced.deployments[0].price = None;
        settings.apply(vec![Change::PutModel(unpriced), fill(5)]).await.unwrap();
        assert_eq!(current().await, price(5));
    }
}

#[tokio::test]
async fn a_providers_list_is_replaced_and_goes_with_it() {
    for home in homes() {
        let settings = home.open().await;
        let list = |name: &str| {
            let model =
                ListedModel { id: name.to_owned(), name: None, context_tokens: Some(8_000), max_output_tokens: None };
            ModelList { read_at: NOW, models: vec![model] }
        };
        let id = provider().id;
        settings.keep_model_list(id, &list("too early")).await.unwrap();
        assert!(settings.model_lists().await.unwrap().is_empty(), "there is no such provider");
        settings.apply(vec![Change::PutProvider(provider())]).await.unwrap();
        settings.keep_model_list(id, &list("one")).await.unwrap();
        settings.keep_model_list(id, &list("two")).await.unwrap();
        assert_eq!(settings.model_lists().await.unwrap()[&id], list("two"));
        settings.apply(vec![Change::RemoveProvider { id, with_models: false }]).await.unwrap();
        assert!(settings.model_lists().await.unwrap().is_empty());
    }
}
