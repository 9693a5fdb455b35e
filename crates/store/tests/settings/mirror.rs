//! The copy of a hub's settings that a node starts from while the hub is away.

use megarouter_domain::key::VirtualKey;
use megarouter_domain::scope::Scope;
use megarouter_domain::unit::UnitKind;
use megarouter_store::settings::{Change, Mirror};

use crate::configuration::{key, model, provider};
use crate::organization::{budget, unit};
use crate::world::{Home, NOW};

#[tokio::test]
async fn a_mirror_keeps_the_last_settings_that_it_was_given() {
    let (home, dir) = (Home::hub(), tempfile::tempdir().unwrap());
    let settings = home.open().await;
    let mirror = Mirror::open(dir.path()).await.unwrap();
    assert_eq!(mirror.load().await.unwrap(), None);

    let team = unit(1, UnitKind::Team, "Platform", None);
    let changes = vec![
        Change::PutProvider(provider(1, "openai")),
        Change::PutModel(model(1, "gpt-5", &["smart"], &[1])),
        Change::PutUnit(team.clone()),
        Change::PutKey(VirtualKey { owner: Some(team.id), ..key(1, "app") }),
        Change::PutBudget(budget(1, Scope::Unit(team.id))),
        Change::PutPreference { name: "theme".to_owned(), value: "\"dark\"".to_owned() },
    ];
    settings.apply(changes).await.unwrap();
    let first = settings.load().await.unwrap();
    mirror.keep(&first).await.unwrap();
    mirror.keep(&first).await.unwrap();

    let archive = Change::ArchiveUnit { id: team.id, at: NOW, with_content: true };
    // The team moves into a department that is younger than it is.
    let department = megarouter_domain::unit::Unit {
        created_at: NOW.plus(std::time::Duration::from_secs(1)),
        ..unit(2, UnitKind::Department, "Research", None)
    };
    let moved = unit(1, UnitKind::Team, "Platform", Some(2));
    settings.apply(vec![Change::PutUnit(department), Change::PutUnit(moved), archive]).await.unwrap();
    let remove = Change::RemoveProvider { id: provider(1, "").id, with_models: true };
    settings.apply(vec![remove]).await.unwrap();
    let second = settings.load().await.unwrap();
    assert_eq!(mirror.load().await.unwrap(), Some(first));
    mirror.keep(&second).await.unwrap();
    drop(mirror);
    assert_eq!(Mirror::open(dir.path()).await.unwrap().load().await.unwrap(), Some(second));
}
