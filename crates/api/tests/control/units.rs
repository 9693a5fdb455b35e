//! The organisation: made, moved, renamed, archived, read from a file.

use serde_json::{Value, json};

use crate::kit::{Kit, Upstream};

async fn unit(kit: &Kit, id: &str) -> Value {
    let tree = kit.get("/units").await;
    tree["units"].as_array().unwrap().iter().find(|unit| unit["id"] == id).unwrap().clone()
}

#[tokio::test]
async fn every_field_of_a_unit_comes_back_as_it_was_given() {
    let kit = Kit::start().await;
    let department = kit.unit("department", "Product", None).await;
    let team = kit.unit("team", "Search", Some(&department)).await;
    let body = json!({"kind": "member", "name": " Ada ", "parent": team, "email": " ada@example.com "});
    let member = kit.post("/units", body).await;
    assert_eq!((&member["kind"], &member["name"], &member["parent"]), (&json!("member"), &json!("Ada"), &json!(team)));
    assert_eq!((&member["email"], &member["archived_at"]), (&json!("ada@example.com"), &Value::Null));
    let path = format!("/units/{}", member["id"].as_str().unwrap());
    let change = json!({"name": "Ada L.", "parent": null, "email": null});
    let (status, changed) = kit.call("PATCH", &path, Some(change)).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&changed["name"], &changed["parent"], &changed["email"]),
        (&json!("Ada L."), &Value::Null, &Value::Null)
    );
    assert_eq!(unit(&kit, member["id"].as_str().unwrap()).await, changed);
    let (_, organization) = kit.call("PATCH", "/organization", Some(json!({"name": " Acme "}))).await;
    assert_eq!(organization["name"], "Acme");
    assert_eq!(kit.get("/units").await["organization"]["name"], "Acme");
}

#[tokio::test]
async fn a_unit_that_fits_nowhere_is_refused() {
    let kit = Kit::start().await;
    let department = kit.unit("department", "Product", None).await;
    let below = kit.unit("department", "Search", Some(&department)).await;
    let member = kit.unit("member", "Ada", None).await;
    let nobody = "019a0000-0000-7000-8000-000000000000";
    for (body, code, field) in [
        (json!({"kind": "team", "name": "T", "parent": member}), "unit.misplaced", "parent"),
        (json!({"kind": "team", "name": "T", "parent": nobody}), "unit.misplaced", "parent"),
        (json!({"kind": "project", "name": "P", "parent": department}), "unit.misplaced", "parent"),
        (json!({"kind": "department", "name": "Product"}), "unit.name_taken", "name"),
        (json!({"kind": "team", "name": " "}), "unit.name_invalid", "name"),
        (json!({"kind": "team", "name": "x".repeat(101)}), "unit.name_invalid", "name"),
        (json!({"kind": "member", "name": "B", "email": "nowhere"}), "unit.email_invalid", "email"),
        (json!({"kind": "team", "name": "T", "email": "a@b.cd"}), "unit.email_invalid", "email"),
        (json!({"kind": "guild", "name": "T"}), "request.invalid", "kind"),
        (json!({"kind": "team", "name": "T", "colour": "red"}), "request.invalid", "colour"),
    ] {
        let (_, found, blamed) = kit.refused("POST", "/units", body.clone()).await;
        assert_eq!((found.as_str(), blamed.as_str()), (code, Some(field)), "{body}");
    }
    let into_itself = json!({"parent": below});
    let (status, code, _) = kit.refused("PATCH", &format!("/units/{department}"), into_itself).await;
    assert_eq!((status, code.as_str()), (409, "unit.misplaced"));
    let (status, code, _) = kit.refused("PATCH", &format!("/units/{nobody}"), json!({"name": "x"})).await;
    assert_eq!((status, code.as_str()), (404, "unit.not_found"));
    assert_eq!(kit.get("/units").await["units"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_archived_refuses_its_keys_and_comes_back() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    kit.with_model(&upstream, "m", Some(json!({"input": "1", "output": "2"}))).await;
    let team = kit.unit("team", "Search", None).await;
    let app = kit.unit("app", "crawler", Some(&team)).await;
    let (_, secret) = kit.key("crawler", Some(&app)).await;
    assert_eq!(kit.ask(&secret, "m", "").await.0, 200);
    let path = format!("/units/{team}");
    let (status, code, _) = kit.refused("PATCH", &path, json!({"archived": true})).await;
    assert_eq!((status, code.as_str()), (409, "unit.holding"));
    let (status, archived) =
        kit.call("PATCH", &format!("/units/{app}"), Some(json!({"archived": true, "with_content": true}))).await;
    assert_eq!((status.as_u16(), archived["archived_at"].is_string()), (200, true));
    let response = kit.context.gateway.serve(
        http::Request::post("/v1/chat/completions")
            .header("authorization", format!("Bearer {secret}"))
            .body(axum::body::Body::from("{}"))
            .unwrap(),
    );
    assert_eq!(response.await.status(), 401, "before the answer is sent");
    let (_, restored) = kit.call("PATCH", &format!("/units/{app}"), Some(json!({"archived": false}))).await;
    assert_eq!((&restored["archived_at"], &restored["requests"]), (&Value::Null, &json!(1)), "its history stays");
}

#[tokio::test]
async fn use_is_added_up_to_the_top() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    kit.with_model(&upstream, "m", Some(json!({"input": "1", "output": "2"}))).await;
    let department = kit.unit("department", "Product", None).await;
    let team = kit.unit("team", "Search", Some(&department)).await;
    let member = kit.unit("member", "Ada", Some(&team)).await;
    let project = kit.unit("project", "Relaunch", None).await;
    let (key, secret) = kit.key("laptop", Some(&member)).await;
    let (_, changed) = kit.call("PATCH", &format!("/keys/{key}"), Some(json!({"project": project}))).await;
    assert_eq!(changed["project"]["name"], "Relaunch");
    let owners: Vec<_> = changed["owner"].as_array().unwrap().iter().map(|unit| &unit["name"]).collect();
    assert_eq!(owners, ["Ada", "Search", "Product"]);
    let (status, id, _) = kit.ask(&secret, "m", "ticket=OPS-12").await;
    assert_eq!(status, 200);
    let cost = json!({"state": "exact", "amount": "20000"});
    for id in [&department, &team, &member, &project] {
        let unit = unit(&kit, id).await;
        assert_eq!((&unit["requests"], &unit["cost"], &unit["keys"]), (&json!(1), &cost, &json!(1)), "{unit}");
        assert!(unit["last_used_at"].is_string());
    }
    let tree = kit.get("/units").await;
    assert_eq!((&tree["organization"]["requests"], &tree["organization"]["cost"]), (&json!(1), &cost));
    let detail = kit.get(&format!("/requests/{id}")).await;
    let units: Vec<_> = detail["units"].as_array().unwrap().iter().map(|unit| &unit["name"]).collect();
    assert_eq!(units, ["Ada", "Search", "Product", "Relaunch"]);
    assert_eq!(detail["tags"], json!([{"name": "ticket", "value": "OPS-12"}]));
    for (query, count) in [
        (format!("unit={department}"), 1),
        (format!("unit={project}&tag=ticket%3DOPS-12"), 1),
        ("tag=ticket%3DOPS-13".to_owned(), 0),
        ("session=none".to_owned(), 0),
    ] {
        let page = kit.get(&format!("/requests?{query}")).await;
        assert_eq!(
            (page["rows"].as_array().unwrap().len(), &page["total"]["requests"]),
            (count, &json!(count)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_list_of_people_is_read_whole_or_not_at_all() {
    let kit = Kit::start().await;
    let csv = "name,email,team,department\n\"Lovelace, Ada\",ada@example.com,Search,Product\nBob,,Search,Product\n";
    let preview = kit.post("/units/import", json!({"csv": csv, "is_preview": true})).await;
    assert_eq!(
        (&preview["is_applied"], &preview["members"], &preview["errors"]),
        (&json!(false), &json!(2), &json!(0))
    );
    assert!(kit.get("/units").await["units"].as_array().unwrap().is_empty());
    let wrong = format!("{csv}Ada,ADA@example.com,,\n");
    let refused = kit.post("/units/import", json!({"csv": wrong, "is_preview": false})).await;
    assert_eq!((&refused["is_applied"], &refused["errors"]), (&json!(false), &json!(1)));
    assert_eq!((&refused["rows"][2]["line"], &refused["rows"][2]["action"]), (&json!(4), &json!("error")));
    assert!(kit.get("/units").await["units"].as_array().unwrap().is_empty());
    let applied = kit.post("/units/import", json!({"csv": csv, "is_preview": false})).await;
    assert_eq!(
        (&applied["is_applied"], &applied["teams"], &applied["departments"]),
        (&json!(true), &json!(1), &json!(1))
    );
    assert_eq!(kit.get("/units").await["units"].as_array().unwrap().len(), 4);
    let again = kit.post("/units/import", json!({"csv": csv, "is_preview": false})).await;
    assert_eq!((&again["members"], &again["rows"][0]["action"]), (&json!(0), &json!("keep")));
    let (_, code, field) = kit.refused("POST", "/units/import", json!({"csv": "age\n3", "is_preview": true})).await;
    assert_eq!((code.as_str(), field.as_str()), ("import.invalid", Some("csv")));
}

#[tokio::test]
async fn a_long_list_of_people_is_read_at_once() {
    let kit = Kit::start().await;
    let people = |count: usize| {
        (0..count).map(|n| format!("Person {n},p{n}@example.com,Team {},Department {}\n", n % 50, n % 50 % 5))
    };
    let csv = format!("name,email,team,department\n{}", people(300).collect::<String>());
    let report = kit.post("/units/import", json!({"csv": csv, "is_preview": false})).await;
    assert_eq!((&report["members"], &report["teams"], &report["departments"]), (&json!(300), &json!(50), &json!(5)));
    assert_eq!(kit.get("/units").await["units"].as_array().unwrap().len(), 300 + 50 + 5);
    let many = format!("name\n{}", "x\n".repeat(10_001));
    let (_, code, field) = kit.refused("POST", "/units/import", json!({"csv": many, "is_preview": true})).await;
    assert_eq!((code.as_str(), field.as_str()), ("import.invalid", Some("csv")));
}

#[tokio::test]
async fn names_are_texts_and_nothing_else() {
    let kit = Kit::start().await;
    let names = ["Robert'); DROP TABLE units;--", "' OR '1'='1", "%", "_\\", "\" UNION SELECT 1", "名前 🙂", "$1"];
    for name in names {
        let made = kit.post("/units", json!({"kind": "team", "name": name})).await;
        assert_eq!(made["name"], name);
        let (_, id) = (0, made["id"].as_str().unwrap());
        let (_, renamed) = kit.call("PATCH", &format!("/units/{id}"), Some(json!({"name": format!("{name}!")}))).await;
        assert_eq!(renamed["name"], format!("{name}!"));
    }
    let all = kit.get("/units").await;
    assert_eq!(all["units"].as_array().unwrap().len(), names.len());
    for query in ["tag=a%3D%27%20OR%20%271%27%3D%271", "session=%27%3B--", "unit=%27"] {
        let (status, _) = kit.call("GET", &format!("/requests?{query}"), None).await;
        assert!([200, 400].contains(&status.as_u16()), "{query}: {status}");
    }
}
