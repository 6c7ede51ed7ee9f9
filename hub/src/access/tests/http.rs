//! Every route × every role, sessions that end, and forms that are forged.

use safeharbor_service::clock::Clock as _;
use safeharbor_service::person::{Credentials, Password, PersonId, Role};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{ROUTES, Route};
use crate::enrolment::testing::Hub;
use crate::server::Addresses;
use crate::session::{IDLE_MS, LASTS_MS, begin};

pub(super) const PASSWORD: &str = "correct horse battery staple";

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

pub(super) async fn ask(hub: &Hub, method: &str, path: &str, cookie: &str, form: &str) -> Answer {
    let text = std::fs::read_to_string(hub.office.paths.addresses()).unwrap();
    let addresses: Addresses = serde_json::from_str(&text).unwrap();
    let mut stream = TcpStream::connect(addresses.admin).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: a=b; {cookie}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

pub(super) async fn get(hub: &Hub, path: &str, cookie: &str) -> Answer {
    ask(hub, "GET", path, cookie, "").await
}

pub(super) fn add(hub: &Hub, name: &str, role: Role) -> PersonId {
    hub.office.persons.add(name, role, &SecretString::from(PASSWORD), None).unwrap()
}

/// The cookie of a session that begins.
pub(super) async fn log_in(hub: &Hub, name: &str) -> String {
    let form = format!("name={name}&password={}", PASSWORD.replace(' ', "+"));
    let answer = ask(hub, "POST", "/login", "", &form).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let line = answer.head.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).unwrap();
    assert!(line.contains("; HttpOnly; SameSite=Strict; Path=/; Max-Age=28800"), "{line}");
    line.split([' ', ';']).nth(1).unwrap().to_owned()
}

/// Each route with what nobody, an observer, a reviewer and an administrator get.
const CELLS: [(&str, &str, [u16; 4]); 14] = [
    ("GET", "/healthz", [200, 200, 200, 200]),
    ("GET", "/login", [200, 200, 200, 200]),
    // An empty form: the route answers, the password is wrong.
    ("POST", "/login", [401, 401, 401, 401]),
    ("GET", "/first", [200, 200, 200, 200]),
    // There is an administrator, so no code is good.
    ("POST", "/first", [403, 403, 403, 403]),
    // Without the form's token.
    ("POST", "/logout", [401, 403, 403, 403]),
    ("GET", "/", [401, 200, 200, 200]),
    ("GET", "/board.json", [401, 200, 200, 200]),
    ("GET", "/persons", [401, 403, 403, 200]),
    ("GET", "/proposals", [401, 403, 403, 200]),
    // Without the form's token.
    ("POST", "/proposals/approve", [401, 403, 403, 403]),
    ("POST", "/proposals/close", [401, 403, 403, 403]),
    ("GET", "/audit", [401, 403, 403, 200]),
    ("GET", "/audit.csv", [401, 403, 403, 200]),
];

#[tokio::test]
async fn access_matrix_of_routes_and_roles() {
    let hub = Hub::start().await;
    add(&hub, "admin", Role::Administrator);
    add(&hub, "reviewer", Role::Reviewer);
    add(&hub, "observer", Role::Observer);
    let known: Vec<_> = ROUTES.iter().map(|Route { method, path, .. }| (*method, *path)).collect();
    assert_eq!(known, CELLS.map(|(method, path, _)| (method, path)));
    let mut cookies = vec![String::new()];
    for name in ["observer", "reviewer", "admin"] {
        cookies.push(log_in(&hub, name).await);
    }
    for (method, path, expected) in CELLS {
        for (cookie, status) in cookies.iter().zip(expected) {
            let answer = ask(&hub, method, path, cookie, "").await;
            assert_eq!(answer.status, status, "{method} {path} {cookie}");
        }
        let other = if method == "GET" { "DELETE" } else { "PUT" };
        assert_eq!(ask(&hub, other, path, &cookies[3], "").await.status, 405, "{other} {path}");
    }
    for path in ["/nothing", "/persons/", "/board.jsonx", "//"] {
        assert_eq!(get(&hub, path, &cookies[3]).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn access_matrix_a_deputy_administers_on_the_days_of_the_appointment() {
    let hub = Hub::start().await;
    let (admin, observer) = (add(&hub, "admin", Role::Administrator), add(&hub, "observer", Role::Observer));
    let cookie = log_in(&hub, "observer").await;
    assert_eq!(get(&hub, "/persons", &cookie).await.status, 403);
    let today = safeharbor_service::clock::to_district_date(hub.clock.now_ms());
    hub.office.persons.appoint((admin, observer), (today, today), admin).unwrap();
    let page = get(&hub, "/audit?lang=en", &cookie).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("observer for admin"), "the page says in whose place");
    hub.office.persons.dismiss(1).unwrap();
    assert_eq!(get(&hub, "/persons", &cookie).await.status, 403);
}

#[tokio::test]
async fn access_matrix_a_session_ends_unused_after_an_hour_and_in_any_case_after_eight() {
    let hub = Hub::start().await;
    add(&hub, "observer", Role::Observer);
    let cookie = log_in(&hub, "observer").await;
    hub.clock.advance_ms(IDLE_MS - 1);
    assert_eq!(get(&hub, "/board.json", &cookie).await.status, 200);
    hub.clock.advance_ms(IDLE_MS);
    assert_eq!(get(&hub, "/board.json", &cookie).await.status, 401);
    let cookie = log_in(&hub, "observer").await;
    for _ in 0..15 {
        hub.clock.advance_ms(LASTS_MS / 16);
        assert_eq!(get(&hub, "/board.json", &cookie).await.status, 200);
    }
    hub.clock.advance_ms(LASTS_MS / 16);
    assert_eq!(get(&hub, "/board.json", &cookie).await.status, 401);
}

#[tokio::test]
async fn access_matrix_a_session_ends_with_its_account_its_password_and_its_wish() {
    let hub = Hub::start().await;
    let admin = add(&hub, "admin", Role::Administrator);
    let observer = add(&hub, "observer", Role::Observer);
    let persons = &hub.office.persons;
    let cookie = log_in(&hub, "observer").await;
    hub.clock.advance_ms(1);
    persons.replace_password(observer, &SecretString::from(PASSWORD), admin).unwrap();
    assert_eq!(get(&hub, "/board.json", &cookie).await.status, 401);
    let cookie = log_in(&hub, "observer").await;
    let page = get(&hub, "/", &cookie).await.body;
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(ask(&hub, "POST", "/logout", &cookie, "csrf=x").await.status, 403);
    assert_eq!(ask(&hub, "POST", "/logout", &cookie, &format!("csrf={csrf}")).await.status, 303);
    assert_eq!(get(&hub, "/board.json", &cookie).await.status, 401);
    let cookie = log_in(&hub, "observer").await;
    persons.deactivate(observer).unwrap();
    assert_eq!(get(&hub, "/board.json", &cookie).await.status, 401);
}

#[tokio::test]
async fn access_matrix_a_password_replaced_while_somebody_signs_in_by_it_ends_their_session() {
    let hub = Hub::start().await;
    let observer = add(&hub, "observer", Role::Observer);
    let since_ms = hub.clock.now_ms();
    hub.clock.advance_ms(1);
    hub.office.persons.replace_password(observer, &SecretString::from(PASSWORD), observer).unwrap();
    hub.clock.advance_ms(1);
    for (since_ms, status) in [(since_ms, 401), (hub.clock.now_ms(), 200)] {
        let token = begin(&hub.office, observer, since_ms).unwrap();
        let cookie = format!("safeharbor-session={}", *token);
        assert_eq!(get(&hub, "/board.json", &cookie).await.status, status);
    }
}

#[tokio::test]
async fn the_one_time_link_makes_the_first_administrator_once() {
    let hub = Hub::start().await;
    let code = hub.office.persons.make_first_code().unwrap().unwrap();
    let page = get(&hub, "/first?lang=en", "").await;
    assert!(page.body.contains("Choose your name and password"));
    assert!(page.head.contains("script-src 'sha256-"), "{}", page.head);
    let form = |code: &str, again: &str| {
        format!("code={code}&name=first&password=correct+horse+battery&again={again}")
    };
    let wrong = form("AAAAAAAAAAAAAAAAAAAAAA", "correct+horse+battery");
    assert_eq!(ask(&hub, "POST", "/first", "", &wrong).await.status, 403);
    assert_eq!(ask(&hub, "POST", "/first", "", &form(code.as_str(), "another")).await.status, 400);
    let right = form(code.as_str(), "correct+horse+battery");
    let made = ask(&hub, "POST", "/first", "", &right).await;
    assert_eq!(made.status, 303, "{}", made.body);
    assert_eq!(ask(&hub, "POST", "/first", "", &right).await.status, 403);
    assert!(get(&hub, "/first?lang=zh-CN", "").await.body.contains("目前没有可用的一次性代码"));
    let line = made.head.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).unwrap();
    let cookie = line.split([' ', ';']).nth(1).unwrap();
    let persons = get(&hub, "/persons?lang=zh-CN", cookie).await;
    assert!(persons.body.contains("<th scope=\"row\">first</th><td>管理员</td>"), "{}", persons.body);
    let audit = get(&hub, "/audit.csv", cookie).await.body;
    assert!(audit.contains("become first administrator") && audit.contains("export audit log"));
    assert!(!audit.contains(code.as_str()), "no code is noted");
}

#[tokio::test]
async fn guessing_passwords_over_http_is_slowed_down_and_noted() {
    let hub = Hub::start().await;
    add(&hub, "observer", Role::Observer);
    for _ in 0..3 {
        assert_eq!(ask(&hub, "POST", "/login", "", "name=observer&password=wrong").await.status, 401);
    }
    let form = format!("name=observer&password={}", PASSWORD.replace(' ', "+"));
    let answer = ask(&hub, "POST", "/login?lang=en", "", &form).await;
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains("the next is possible in 1 s"), "{}", answer.body);
    let failed = || {
        let entries = safeharbor_service::audit::load(&hub.office.paths.audit()).unwrap().into_iter();
        let failed = entries.filter(|entry| entry.action == "authentication failed");
        failed.map(|entry| (entry.subject, entry.detail["again"].as_u64())).collect::<Vec<_>>()
    };
    let subject = "log in: person 1".to_owned();
    assert_eq!(failed(), [(subject.clone(), None)]);
    hub.clock.advance_ms(1000);
    log_in(&hub, "observer").await;
    assert_eq!(failed(), [(subject.clone(), None), (subject, Some(3))]);
    let form = format!("name={}&password=x", "a".repeat(9000));
    assert_eq!(ask(&hub, "POST", "/login", "", &form).await.status, 413);
}

#[tokio::test]
async fn wrong_sign_ins_make_nobody_else_wait_and_never_the_shell() {
    let hub = Hub::start().await;
    add(&hub, "admin", Role::Administrator);
    add(&hub, "other", Role::Administrator);
    for n in 0..65 {
        let form = format!("name=my+secret+{n}&password=x");
        assert_eq!(ask(&hub, "POST", "/login", "", &form).await.status, 401);
        assert_eq!(ask(&hub, "POST", "/login", "", "name=admin&password=x").await.status, 401);
    }
    log_in(&hub, "other").await;
    let form = format!("name=admin&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(ask(&hub, "POST", "/login", "", &form).await.status, 401, "this account waits at the page");
    let credentials = Credentials { name: "admin".to_owned(), password: Password::new(PASSWORD.to_owned()) };
    hub.office.authorize(&credentials, &[Role::Administrator], "anything").await.unwrap();
    let log = std::fs::read_to_string(hub.office.paths.audit()).unwrap();
    assert!(log.contains("log in: unknown name") && !log.contains("secret"), "{log}");
    assert!(log.lines().count() < 10, "{log}");
}
