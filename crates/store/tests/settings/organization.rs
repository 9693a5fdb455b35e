//! Units, budgets and the organisation's name: what is kept, and what is refused.

use megarouter_domain::budget::{Action, Basis, Budget, Each, Measure, Raise, Rung};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{BudgetId, ModelId, OrganizationId, RaiseId, UnitId};
use megarouter_domain::key::VirtualKey;
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::scope::Scope;
use megarouter_domain::tag::Tag;
use megarouter_domain::unit::{TreeError, Unit, UnitKind};
use megarouter_store::settings::{Change, ChangeError, Noun, Settings};

use crate::configuration::{key, model, provider};
use crate::world::{NOW, homes};

pub fn unit(seed: u8, kind: UnitKind, name: &str, parent: Option<u8>) -> Unit {
    Unit {
        id: UnitId::new(NOW, [seed; 10]),
        kind,
        name: name.to_owned(),
        parent: parent.map(|seed| UnitId::new(NOW, [seed; 10])),
        email: None,
        created_at: NOW,
        archived_at: None,
    }
}

pub fn budget(seed: u8, scope: Scope) -> Budget {
    let rung = |at_percent, basis, action| Rung { at_percent, basis, action };
    Budget {
        id: BudgetId::new(NOW, [seed; 10]),
        name: format!("budget {seed}"),
        scope,
        each: Some(Each::Member),
        measure: Measure::Cost,
        limit: 5_000_000_000,
        period: Period::Month { starts_on: 31 },
        zone: "Europe/Berlin".parse::<Zone>().unwrap(),
        carries_over: true,
        is_strict: true,
        ladder: vec![rung(80, Basis::Forecast, Action::Notify), rung(100, Basis::Actual, Action::Stop)],
        raises: vec![Raise {
            id: RaiseId::new(NOW, [seed; 10]),
            amount: 7,
            from: NOW,
            until: Timestamp::from_micros(NOW.as_micros() + 1),
            reason: "a release".to_owned(),
        }],
        created_at: NOW,
        archived_at: None,
    }
}

/// A department with a team, a member in it, an app of the member, and a project.
fn organization() -> Vec<Change> {
    let units = [
        unit(1, UnitKind::Department, "Research", None),
        unit(2, UnitKind::Team, "Platform", Some(1)),
        Unit { email: Some("ada@example.org".to_owned()), ..unit(3, UnitKind::Member, "Ada", Some(2)) },
        unit(4, UnitKind::App, "bot", Some(3)),
        unit(5, UnitKind::Project, "Launch", None),
    ];
    units.into_iter().map(Change::PutUnit).collect()
}

async fn refusal(settings: &Settings, change: Change) -> ChangeError {
    let said = format!("{change:?}");
    let before = settings.load().await.unwrap();
    let refused = settings.apply(vec![Change::RenameOrganization("undone".to_owned()), change]).await;
    assert_eq!(settings.load().await.unwrap(), before, "a refused change leaves nothing behind");
    refused.expect_err(&said)
}

#[tokio::test]
async fn the_organization_comes_back_as_it_was_put() {
    for home in homes() {
        let settings = home.open().await;
        let before = settings.load().await.unwrap();
        let owned = VirtualKey {
            owner: Some(UnitId::new(NOW, [4; 10])),
            project: Some(UnitId::new(NOW, [5; 10])),
            ..key(1, "app")
        };
        let mut changes = organization();
        let scopes = [
            Scope::Organization(before.organization.id),
            Scope::Unit(UnitId::new(NOW, [2; 10])),
            Scope::Key(owned.id),
            Scope::Tag(Tag::new("env", "test").unwrap()),
        ];
        let budgets: Vec<Budget> = (1..).zip(scopes).map(|(seed, scope)| budget(seed, scope)).collect();
        changes.extend([Change::PutKey(owned.clone()), Change::RenameOrganization("Analytical Engines".to_owned())]);
        changes.extend(budgets.iter().cloned().map(Change::PutBudget));
        settings.apply(changes).await.unwrap();
        settings.close().await;

        let everything = home.open().await.load().await.unwrap();
        assert_eq!(everything.organization.name, "Analytical Engines");
        assert_eq!(everything.units.len(), 5);
        assert_eq!(everything.units[2].email.as_deref(), Some("ada@example.org"));
        assert!(everything.keys.contains(&owned));
        assert_eq!(everything.budgets, budgets);
        assert_eq!(everything.version, before.version + 1, "a change counts once");
    }
}

#[tokio::test]
async fn a_unit_keeps_its_kind_and_may_move() {
    for home in homes() {
        let settings = home.open().await;
        settings.apply(organization()).await.unwrap();
        let moved = Unit { kind: UnitKind::Team, ..unit(4, UnitKind::App, "robot", Some(2)) };
        settings.apply(vec![Change::PutUnit(moved)]).await.unwrap();
        let everything = settings.load().await.unwrap();
        assert_eq!(everything.units[3], unit(4, UnitKind::App, "robot", Some(2)));
    }
}

#[tokio::test]
async fn names_of_units_are_their_own_among_their_kind() {
    for home in homes() {
        let settings = home.open().await;
        settings.apply(organization()).await.unwrap();
        let taken = [
            (unit(9, UnitKind::Team, "Platform", None), "name"),
            (Unit { email: Some("ada@example.org".to_owned()), ..unit(9, UnitKind::Member, "A.", None) }, "email"),
        ];
        for (unit, expected) in taken {
            let refused = refusal(&settings, Change::PutUnit(unit)).await;
            let ChangeError::NameTaken { noun: Noun::Unit, field, .. } = refused else { panic!("{refused:?}") };
            assert_eq!(field, expected);
        }
        let other_kind = unit(9, UnitKind::Project, "Platform", None);
        let archive = Change::ArchiveUnit { id: unit(5, UnitKind::Project, "", None).id, at: NOW, with_content: false };
        let freed = unit(10, UnitKind::Project, "Launch", None);
        settings.apply(vec![Change::PutUnit(other_kind), archive, Change::PutUnit(freed)]).await.unwrap();
        let restore = Change::RestoreUnit(unit(5, UnitKind::Project, "", None).id);
        let refused = refusal(&settings, restore).await;
        assert!(matches!(refused, ChangeError::NameTaken { noun: Noun::Unit, field: "name", .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn what_makes_no_tree_is_refused() {
    for home in homes() {
        let settings = home.open().await;
        settings.apply(organization()).await.unwrap();
        let circle = unit(1, UnitKind::Department, "Research", Some(1));
        let refused = refusal(&settings, Change::PutUnit(circle)).await;
        assert!(matches!(refused, ChangeError::Tree(TreeError::Circle { .. })), "{refused:?}");
        let misplaced = unit(9, UnitKind::Team, "Nested", Some(2));
        let refused = refusal(&settings, Change::PutUnit(misplaced)).await;
        assert!(matches!(refused, ChangeError::Tree(TreeError::Misplaced { .. })), "{refused:?}");
        let lost = unit(9, UnitKind::Team, "Lost", Some(99));
        let refused = refusal(&settings, Change::PutUnit(lost)).await;
        assert!(matches!(refused, ChangeError::Tree(TreeError::NoParent { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_unit_that_holds_something_in_use_is_archived_only_with_it() {
    for home in homes() {
        let settings = home.open().await;
        settings.apply(organization()).await.unwrap();
        let bots = VirtualKey { owner: Some(UnitId::new(NOW, [4; 10])), ..key(1, "bots") };
        let team = budget(1, Scope::Unit(UnitId::new(NOW, [2; 10])));
        settings.apply(vec![Change::PutKey(bots.clone()), Change::PutBudget(team.clone())]).await.unwrap();
        let archive = |with_content| Change::ArchiveUnit { id: UnitId::new(NOW, [2; 10]), at: NOW, with_content };

        let refused = refusal(&settings, archive(false)).await;
        let ChangeError::Holding { name, content } = refused else { panic!("{refused:?}") };
        assert_eq!(
            (name.as_str(), content),
            ("Platform", vec!["the member Ada".to_owned(), "the app bot".to_owned(), "the key bots".to_owned(),])
        );

        settings.apply(vec![archive(true)]).await.unwrap();
        let everything = settings.load().await.unwrap();
        let archived: Vec<bool> = everything.units.iter().map(|unit| unit.archived_at.is_some()).collect();
        assert_eq!(archived, [false, true, true, true, false]);
        assert_eq!(everything.keys.iter().find(|key| key.id == bots.id).unwrap().revoked_at, Some(NOW));
        assert!(!everything.budgets[0].is_active());

        let inner = Change::RestoreUnit(UnitId::new(NOW, [3; 10]));
        let refused = refusal(&settings, inner.clone()).await;
        assert!(matches!(refused, ChangeError::Tree(TreeError::Archived { .. })), "{refused:?}");
        settings.apply(vec![Change::RestoreUnit(UnitId::new(NOW, [2; 10])), inner]).await.unwrap();
        let unknown = Change::ArchiveUnit { id: UnitId::new(NOW, [99; 10]), at: NOW, with_content: true };
        let refused = refusal(&settings, unknown).await;
        assert!(matches!(refused, ChangeError::NotFound { noun: Noun::Unit, .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn a_key_belongs_to_somebody_in_use() {
    for home in homes() {
        let settings = home.open().await;
        settings.apply(organization()).await.unwrap();
        let archive = Change::ArchiveUnit { id: UnitId::new(NOW, [4; 10]), at: NOW, with_content: false };
        settings.apply(vec![archive]).await.unwrap();
        let id = |seed| Some(UnitId::new(NOW, [seed; 10]));
        let archived = VirtualKey { owner: id(4), ..key(1, "app") };
        let refused = refusal(&settings, Change::PutKey(archived)).await;
        assert!(matches!(refused, ChangeError::Archived { noun: Noun::Unit, .. }), "{refused:?}");
        let strangers = [
            VirtualKey { owner: id(99), ..key(1, "app") },
            VirtualKey { project: id(99), ..key(1, "app") },
            VirtualKey { owner: id(5), ..key(1, "app") },
            VirtualKey { project: id(3), ..key(1, "app") },
        ];
        for stranger in strangers {
            let refused = refusal(&settings, Change::PutKey(stranger)).await;
            assert!(matches!(refused, ChangeError::NotFound { noun: Noun::Unit, .. }), "{refused:?}");
        }
        settings
            .apply(vec![Change::PutKey(VirtualKey { owner: id(3), project: id(5), ..key(1, "app") })])
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_budget_is_on_something_that_exists() {
    for home in homes() {
        let settings = home.open().await;
        let good = vec![
            Change::PutProvider(provider(1, "openai")),
            Change::PutModel(model(1, "gpt-5", &[], &[1])),
            Change::PutBudget(budget(1, Scope::Provider(provider(1, "").id))),
            Change::PutBudget(budget(2, Scope::Model(ModelId::new(NOW, [1; 10])))),
        ];
        settings.apply(good).await.unwrap();
        let missing = [
            (Scope::Organization(OrganizationId::new(NOW, [99; 10])), Noun::Organization),
            (Scope::Unit(UnitId::new(NOW, [99; 10])), Noun::Unit),
            (Scope::Key(key(99, "").id), Noun::Key),
            (Scope::Provider(provider(99, "").id), Noun::Provider),
            (Scope::Model(ModelId::new(NOW, [99; 10])), Noun::Model),
        ];
        for (scope, expected) in missing {
            let refused = refusal(&settings, Change::PutBudget(budget(3, scope))).await;
            let ChangeError::NotFound { noun, .. } = refused else { panic!("{refused:?}") };
            assert_eq!(noun, expected);
        }
    }
}

#[tokio::test]
async fn a_budget_is_replaced_with_its_raises_and_ends_once() {
    for home in homes() {
        let settings = home.open().await;
        let scope = Scope::Tag(Tag::new("env", "test").unwrap());
        settings.apply(vec![Change::PutBudget(budget(1, scope.clone()))]).await.unwrap();
        let same_name = Budget { name: "budget 1".to_owned(), ..budget(2, scope.clone()) };
        let refused = refusal(&settings, Change::PutBudget(same_name)).await;
        assert!(matches!(refused, ChangeError::NameTaken { noun: Noun::Budget, .. }), "{refused:?}");

        let changed = Budget { limit: 9, each: None, raises: vec![], name: String::new(), ..budget(1, scope.clone()) };
        let second = Budget { name: String::new(), ..budget(2, scope) };
        settings.apply(vec![Change::PutBudget(changed.clone()), Change::PutBudget(second)]).await.unwrap();
        assert_eq!(settings.load().await.unwrap().budgets[0], changed);

        let later = Timestamp::from_micros(NOW.as_micros() + 1);
        let end = |at| Change::ArchiveBudget { id: changed.id, at };
        settings.apply(vec![end(NOW), end(later)]).await.unwrap();
        assert_eq!(settings.load().await.unwrap().budgets[0].archived_at, Some(NOW));
        settings.apply(vec![Change::PutBudget(changed.clone())]).await.unwrap();
        assert_eq!(settings.load().await.unwrap().budgets[0], changed, "putting it again brings it back");
        let unknown = Change::ArchiveBudget { id: BudgetId::new(NOW, [99; 10]), at: NOW };
        let refused = refusal(&settings, unknown).await;
        assert!(matches!(refused, ChangeError::NotFound { noun: Noun::Budget, .. }), "{refused:?}");
    }
}
