//! `connector`: adding, showing, removing and running the sources that records come from by themselves.

use std::time::Duration;

use safeharbor_interchange::import::Mapping;
use safeharbor_service::person::Role;
use serde_json::json;

use serde::{Deserialize, Serialize};

use super::credentials::authenticate;
use super::{CommandFailed, Credentials, job, record};
use crate::connector::{
    Connector, ConnectorName, ConnectorsFailed, Declaration, ParseDeclarationFailed, ParseNameFailed,
    RunConnectorFailed, Shell, Source, run_by_hand,
};
use crate::context::Context;
use crate::job::JobFailed;
use crate::speech::{Exit, Format, Language, Speech, chain_of, moment, padded};

/// Who may let records come and go by themselves.
const ROLES: [Role; 2] = [Role::Approver, Role::Administrator];

/// What can be asked about connectors.
#[derive(Debug, Serialize, Deserialize)]
pub enum ConnectorCommand {
    /// What a connector would do.
    Preview(NewConnector),
    /// Adds a connector, or puts it in the place of the one of that name.
    Add(NewConnector, Credentials),
    /// Removes one.
    Remove(String, Credentials),
    /// Which there are.
    List,
    /// Runs one at once.
    Run(String),
}

/// What a person writes to add a connector.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewConnector {
    /// What it is called.
    pub name: String,
    /// The declaration's text.
    pub declaration: String,
    /// The mapping's text; empty for files in a kind's own layout.
    pub mapping: String,
}

/// Something about a connector or a job is refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectingFailed {
    /// No connector has that name.
    #[error("there is no connector {0:?}; `connector list` shows what there is")]
    NoConnector(String),
    /// No job has that number.
    #[error("there is no job {0:?}; `jobs` shows what there is")]
    NoJob(String),
    /// The text is no name.
    #[error("the connector is not added")]
    Name(#[from] ParseNameFailed),
    /// The declaration is refused.
    #[error("the connector is not added")]
    Declaration(#[from] ParseDeclarationFailed),
    /// Connectors cannot be read.
    #[error("the connectors cannot be read")]
    Connectors(#[from] ConnectorsFailed),
    /// Jobs cannot be read.
    #[error("the jobs cannot be read")]
    Jobs(#[from] JobFailed),
    /// The run.
    #[error("the connector is not run")]
    Run(#[from] RunConnectorFailed),
}

impl ConnectingFailed {
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::NoConnector(_) | Self::NoJob(_) | Self::Name(_) | Self::Declaration(_) => Exit::Refused,
            Self::Run(_) => Exit::Refused,
            Self::Connectors(_) | Self::Jobs(_) => Exit::Unavailable,
        }
    }

    pub(super) fn text_zh(&self) -> String {
        match self {
            Self::NoConnector(typed) => format!("没有连接器“{typed}”；用 connector list 查看"),
            Self::NoJob(typed) => format!("没有任务“{typed}”；用 jobs 查看"),
            Self::Name(_) => "连接器名称须为 1 至 40 个字母、汉字、数字、- 或 _".to_owned(),
            Self::Declaration(failed) => format!("连接器说明文件有误，未添加：{}", chain_of(failed)),
            Self::Run(RunConnectorFailed::NobodyAnswers(person)) => {
                format!("设置该连接器的 {person} 已不在人员名单中；请由他人重新添加")
            }
            Self::Run(RunConnectorFailed::Job(JobFailed::Busy(name))) => {
                format!("连接器 {name} 正在运行；用 jobs 查看")
            }
            Self::Run(RunConnectorFailed::Followed { job, later }) => {
                format!(
                    "任务 {later} 已导入比任务 {job} 更新的同名文件；若应以此文件为准，请将其重新放入监视目录"
                )
            }
            Self::Run(failed) => format!("连接器未运行：{}", chain_of(failed)),
            Self::Connectors(_) | Self::Jobs(_) => format!("未能完成：{}", chain_of(self)),
        }
    }
}

pub(super) fn carry_out(
    context: &Context,
    command: ConnectorCommand,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    match command {
        ConnectorCommand::Preview(order) => preview(context, &order, speech),
        ConnectorCommand::Add(order, by) => add(context, &order, &by, speech),
        ConnectorCommand::Remove(name, by) => remove(context, &name, &by, speech),
        ConnectorCommand::List => list(context, speech),
        ConnectorCommand::Run(name) => run(context, &name, speech),
    }
}

/// Says what a connector would do, and refuses what could not work.
fn preview(context: &Context, order: &NewConnector, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let (name, declaration) = read(context, order)?;
    let kind = match order.mapping.as_str() {
        "" => speech.pick("按各类别的自有表样", "in a kind's own layout").to_owned(),
        mapping => Mapping::decode(mapping.as_bytes())?.kind().to_owned(),
    };
    let source = &declaration.source;
    let when = when(&declaration.source, declaration.every.map(|every| every.to_string()), speech.language);
    speech.note(match speech.language {
        Language::Zh => format!(
            "连接器 {name}：{source}；记录类别：{kind}；{when}。\n取回的记录按普通导入处理；来源标明已删除的记录会在这里删除，已外传的会撤回。均以您的名义进行。"
        ),
        Language::En => format!(
            "connector {name}: {source}; kind: {kind}; {when}.\nWhat comes is imported as any file is; records that the source says it deleted are deleted here, and withdrawn if they had left. All of it on your word."
        ),
    })?;
    Ok(Exit::Done)
}

fn add(
    context: &Context,
    order: &NewConnector,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let (name, declaration) = read(context, order)?;
    let person = authenticate(context, by, &ROLES, "add connector")?;
    let digest = |text: &str| safeharbor_core::digest::Digest::of(text.as_bytes()).to_string();
    let detail = json!({
        "source": declaration.source.to_string(), "every": declaration.every.map(|every| every.to_string()),
        "declaration_sha256": digest(&order.declaration), "mapping_sha256": digest(&order.mapping),
    });
    context.audit.append(Some(&person), "add connector", &name.to_string(), detail)?;
    let connector = Connector {
        name: name.clone(),
        source: declaration.source,
        every: declaration.every,
        mapping: order.mapping.clone(),
        person,
        at: context.clock.now_ms(),
        since: None,
        language: speech.language,
    };
    context.connectors.keep(&connector).map_err(ConnectingFailed::from)?;
    speech.note(match speech.language {
        Language::Zh => format!("已添加连接器 {name}；用 connector run {name} 立即运行一次"),
        Language::En => format!("added connector {name}; `connector run {name}` runs it at once"),
    })?;
    Ok(Exit::Done)
}

/// The declaration and the mapping have to be whole before a password is asked for.
fn read(context: &Context, order: &NewConnector) -> Result<(ConnectorName, Declaration), CommandFailed> {
    let name = order.name.parse().map_err(ConnectingFailed::from)?;
    let declaration = order.declaration.parse().map_err(ConnectingFailed::from)?;
    if !order.mapping.is_empty() {
        record::find_kind(context, Mapping::decode(order.mapping.as_bytes())?.kind())?;
    }
    Ok((name, declaration))
}

fn remove(
    context: &Context,
    name: &str,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let connector = find(context, name)?;
    let person = authenticate(context, by, &ROLES, "remove connector")?;
    context.audit.append(Some(&person), "remove connector", name, serde_json::Value::Null)?;
    context.connectors.remove(&connector.name).map_err(ConnectingFailed::from)?;
    speech.note(
        speech.pick("已移除；它带来的记录和任务都保留", "removed; what it brought and its jobs stay"),
    )?;
    Ok(Exit::Done)
}

fn list(context: &Context, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let all = context.connectors.all().map_err(ConnectingFailed::from)?;
    if speech.format == Format::Json {
        let shown = |connector: &Connector| {
            json!({
                "name": connector.name.to_string(), "source": connector.source.to_string(),
                "every": connector.every.map(|every| every.to_string()), "person": connector.person.name,
                "at": connector.at, "since": connector.since,
            })
        };
        speech.json(&all.iter().map(shown).collect())?;
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        speech.note(speech.pick(
            "没有连接器；用 connector add 添加",
            "there are no connectors; `connector add` adds one",
        ))?;
    }
    for connector in &all {
        let when = when(&connector.source, connector.every.map(|every| every.to_string()), speech.language);
        let name = padded(&connector.name.to_string(), 16);
        let (person, at) = (&connector.person.name, moment(connector.at));
        speech.data(format_args!("{name} {}; {when}; {person} {at}", connector.source))?;
    }
    Ok(Exit::Done)
}

fn run(context: &Context, name: &str, speech: &mut Speech<'_>) -> Result<Exit, CommandFailed> {
    let connector = find(context, name)?;
    let ran = run_by_hand(context, &connector, &mut Shell { pause: &mut pause });
    let jobs = ran.map_err(ConnectingFailed::from)?;
    if jobs.is_empty() {
        speech.note(speech.pick("没有静止下来的文件", "no file has come to rest"))?;
    }
    job::say_all(&jobs, speech)
}

pub(super) fn find(context: &Context, name: &str) -> Result<Connector, CommandFailed> {
    let none = || ConnectingFailed::NoConnector(name.to_owned());
    // What cannot be a name is nobody's.
    let Ok(parsed) = name.parse() else { return Err(none().into()) };
    let known = context.connectors.find(&parsed).map_err(ConnectingFailed::from)?;
    Ok(known.ok_or_else(none)?)
}

/// Waits on a runtime of its own: a command has none.
pub(super) fn pause(wait: Duration) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.is_ok_and(|runtime| {
        runtime.block_on(async { tokio::time::sleep(wait).await });
        true
    })
}

fn when(source: &Source, every: Option<String>, language: Language) -> String {
    match (source, every, language) {
        (Source::Folder(_), _, Language::Zh) => "节点运行期间随时查看".to_owned(),
        (Source::Folder(_), _, Language::En) => "looked at while the node runs".to_owned(),
        (_, Some(every), Language::Zh) => format!("每 {every} 一次"),
        (_, Some(every), Language::En) => format!("every {every}"),
        (_, None, Language::Zh) => "仅在手动运行时".to_owned(),
        (_, None, Language::En) => "when it is run by hand".to_owned(),
    }
}
