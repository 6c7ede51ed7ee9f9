//! Commands on a hub in this process: what they say, and what they change.

mod joining;
mod roster;

use safeharbor_service::person::{Credentials, Password, PersonId, Role};
use safeharbor_service::speech::{Exit, Format, Language};
use secrecy::SecretString;

use super::{Command, Reply, Request, execute};
use crate::enrolment::testing::Hub;

const PASSWORD: &str = "correct horse battery staple";

/// A hub with the administrators 甲 and 乙, made by nobody.
async fn hub() -> Hub {
    let hub = Hub::start().await;
    for name in ["甲", "乙"] {
        add(&hub, name, None);
    }
    hub
}

fn add(hub: &Hub, name: &str, by: Option<PersonId>) {
    hub.office.persons.add(name, Role::Administrator, &SecretString::from(PASSWORD), by).unwrap();
}

fn by(name: &str) -> Credentials {
    Credentials { name: name.to_owned(), password: Password::new(PASSWORD.to_owned()) }
}

async fn say(hub: &Hub, command: Command, format: Format) -> Reply {
    execute(&hub.office, Request { command, language: Language::En, format }).await
}

/// What a command that goes well says: data.
async fn done(hub: &Hub, command: Command) -> String {
    let reply = say(hub, command, Format::Table).await;
    assert_eq!(reply.exit, Exit::Done, "{}", reply.err);
    reply.out
}

async fn json(hub: &Hub, command: Command) -> serde_json::Value {
    let reply = say(hub, command, Format::Json).await;
    assert_eq!(reply.exit, Exit::Done, "{}", reply.err);
    serde_json::from_str(&reply.out).unwrap()
}

/// Why a command is refused.
async fn refused(hub: &Hub, command: Command) -> String {
    let reply = say(hub, command, Format::Table).await;
    assert_eq!((reply.exit, reply.out.as_str()), (Exit::Refused, ""), "{}", reply.err);
    reply.err
}
