//! The command line: words to commands, passwords from the person, commands to whoever has the store open.

mod arguments;
mod backing_up;
mod catalogue;
mod connecting;
mod deciding;
mod delivery;
mod examining;
mod exporting;
mod first_sync;
mod joining;
mod keys;
mod mapping;
mod recovering;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use safeharbor_rules::{Catalogue, KindId};
use safeharbor_service::person::Credentials;
use safeharbor_service::prompt::credentials;

pub use arguments::Arguments;
use arguments::{ImportWords, Words};
use exporting::ExportWords;

use crate::command::{
    Command, CommandFailed, ExportForm, ImportOrder, Rejects, list_kinds, show_kind, split, template,
};
use crate::layout::Layout;
use crate::opening::{Seams, open};
use crate::own_lists::load_catalogue;
use crate::running::{outcome_text, run};
use crate::settings::Settings;
use crate::speech::{Exit, Format, Language, Speech, chain_of};
use crate::sync::Until;

/// What the command line gets from `main`.
#[derive(Debug)]
pub struct Surroundings {
    /// Time and randomness.
    pub seams: Seams,
    /// The locale's language.
    pub locale: Language,
    /// The folder that relative paths start from.
    pub folder: PathBuf,
}

/// Carries out what was asked for and says what there is to say.
#[must_use]
pub fn carry_out(arguments: Arguments, surroundings: Surroundings) -> Exit {
    let Arguments { data, lang, format, words } = arguments;
    let (format, form) = (format.data(), format.form());
    if form.is_some() && !matches!(words, Words::Export(ExportWords::Records { .. })) {
        let text = "--format csv, xlsx, jsonl 和 cerif 仅用于 export records are for `export records` only";
        return complain(text, Exit::Usage);
    }
    let layout = Layout::at(&surroundings.folder.join(data));
    let settings = match Settings::load(&layout, &[]) {
        Ok(settings) => settings,
        Err(failed) => return complain(&chain_of(&failed), Exit::Usage),
    };
    let language = lang.or(settings.interface.language).unwrap_or(surroundings.locale);
    let filter = if matches!(words, Words::Run { .. }) { &settings.log.filter } else { "warn" };
    if let Err(failed) = safeharbor_service::telemetry::init(filter) {
        return complain(&chain_of(&failed), Exit::Usage);
    }
    let Surroundings { seams, folder, .. } = surroundings;
    Desk { layout, settings, seams, folder, language, format, form }.carry_out(words)
}

/// Where the person sits.
#[derive(Debug)]
struct Desk {
    layout: Layout,
    settings: Settings,
    seams: Seams,
    folder: PathBuf,
    language: Language,
    format: Format,
    form: Option<ExportForm>,
}

impl Desk {
    fn carry_out(&self, words: Words) -> Exit {
        match words {
            Words::Join(words) => self.join(&words),
            Words::Run { once } => self.run(once),
            Words::Split { file, mapping, by, output } => {
                self.split(&self.path(&file), &self.path(&mapping), &by, &self.path(&output))
            }
            Words::Mapping(words) => self.mapping(words),
            Words::Template { kind, replace, output } => self.template(&kind, &self.path(&output), replace),
            Words::Approve { choice, fields, person, dry_run } => {
                self.approve(choice.into_choice(), fields, person, dry_run)
            }
            Words::Reject { choice, reason, person } => self.reject(choice.into_choice(), reason, person),
            Words::Withdraw { record, reason, person } => self.withdraw(record, reason, person),
            Words::Left { kind, since } => self.deliver(Command::Left { kind, since }),
            Words::Approvals { record, person, since } => {
                self.deliver(Command::Approvals { record, person, since })
            }
            Words::Erase { record, person } => self.erase(record, person),
            Words::Policy(words) => self.policy(words),
            Words::Catalogue(words) => self.catalogue(words),
            Words::Recovery { words } => self.recovery(words),
            Words::Person(words) => match words.ask(self.language) {
                Ok(command) => self.deliver(Command::Person(command)),
                Err(failed) => self.no_password(&failed),
            },
            Words::Audit(words) => match words.ask(self.language, &self.folder) {
                Ok(command) => self.deliver(Command::Audit(command)),
                Err(failed) => self.no_password(&failed),
            },
            Words::Resume { person } => self.with_password(person, |by| Command::Resume { by }),
            Words::Connector(words) => self.connector(words),
            Words::Jobs { connector, limit } => self.jobs(connector, limit),
            Words::Job { id, run_again } => self.job(id, run_again),
            Words::Kinds => {
                self.tell(|catalogue, speech| Ok(list_kinds(catalogue, speech).map(|()| Exit::Done)?))
            }
            Words::Kind { id } => self.kind(&id),
            Words::Status => self.deliver(Command::Status),
            Words::Doctor(words) => self.doctor(&words),
            Words::List { kind, limit } => self.deliver(Command::List { kind, limit }),
            Words::Show { record, kind, waiting, limit } => self.deliver(match (record, kind, waiting) {
                (Some(record), ..) => Command::Show { record },
                (None, Some(kind), false) => Command::ShowKind { kind, limit },
                (None, kind, _) => Command::ShowWaiting { kind, limit },
            }),
            Words::Import(words) => self.import(words),
            Words::Edit { record, changes, person } => {
                self.with_password(person, |by| Command::Edit { record, changes, by })
            }
            Words::History { record } => self.deliver(Command::History { record }),
            Words::Export(words) => self.export(words),
            Words::Key(words) => self.keys(words),
            Words::Backup(words) => self.backup(words),
            Words::Restore { file, identity } => self.restore(&self.path(&file), identity),
            Words::Checkpoint => self.deliver(Command::Checkpoint),
        }
    }

    /// The node that carries out a command may have started in another folder.
    fn path(&self, typed: &Path) -> PathBuf {
        self.folder.join(typed)
    }

    fn import(&self, words: ImportWords) -> Exit {
        let ImportWords { file, mapping, kind, encoding, dry_run, rejects, source, links, take_file, person } =
            words;
        let rejects = match rejects {
            Some(path) => Rejects::Into(self.path(&path)),
            None => Rejects::In(self.folder.clone()),
        };
        let order = ImportOrder {
            file: self.path(&file),
            mapping: mapping.map(|mapping| self.path(&mapping)),
            kind,
            encoding,
            dry_run,
            rejects,
            origin: source,
            links,
            takes_file: take_file,
            by: None,
            on_word_of: None,
            deletes_unknown: false,
            is_part: false,
        };
        match person {
            None => self.deliver(Command::Import(order)),
            Some(person) => {
                self.with_password(person, |by| Command::Import(ImportOrder { by: Some(by), ..order }))
            }
        }
    }

    fn with_password(&self, name: String, command: impl FnOnce(Credentials) -> Command) -> Exit {
        match credentials(name, self.language) {
            Ok(by) => self.deliver(command(by)),
            Err(failed) => self.no_password(&failed),
        }
    }

    fn no_password(&self, failed: &io::Error) -> Exit {
        let text = self.language.pick("未读到密码", "no password was read");
        complain(&format!("{text}: {failed}"), Exit::Refused)
    }

    fn deliver(&self, command: Command) -> Exit {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let exit = self.deliver_to(command, &mut out);
        crate::running::flushed(&mut out, exit)
    }

    fn refuse(&self, failed: &CommandFailed) -> Exit {
        complain(&failed.text(self.language), Exit::Refused)
    }

    fn run(&self, once: bool) -> Exit {
        let node = match open(&self.layout, &self.settings, &self.seams) {
            Ok(node) => node,
            Err(failed) => return self.not_opened(&failed),
        };
        let until = if once { Until::InStep } else { Until::Shutdown };
        let (exit, text) = match run(&node, until) {
            Ok(outcome) => outcome_text(&outcome, self.language),
            Err(failed) => failed.text(self.language),
        };
        complain(&text, exit)
    }

    fn text_of(&self, file: &Path) -> Result<String, CommandFailed> {
        fs::read_to_string(file).map_err(|source| CommandFailed::Read { path: file.to_owned(), source })
    }

    fn template(&self, kind: &str, file: &Path, replace: bool) -> Exit {
        let catalogue = match load_catalogue(&self.layout) {
            Ok(catalogue) => catalogue,
            Err(failed) => return complain(&chain_of(&failed), Exit::Refused),
        };
        match template(&catalogue, kind, file, replace) {
            Ok(()) => {
                let path = file.display();
                let text = self.language.pick(
                    format!("模板已写出：{path}。填好后用 import 导入，无需映射文件。"),
                    format!("template written: {path}. Fill it in and `import` it; it needs no mapping."),
                );
                complain(&text, Exit::Done)
            }
            Err(failed) => complain(&failed.text(self.language), failed.exit()),
        }
    }

    fn kind(&self, typed: &str) -> Exit {
        self.tell(|catalogue, speech| {
            let id = typed.trim().to_ascii_uppercase().parse::<KindId>().ok();
            let kind = id.and_then(|id| catalogue.kind(&id));
            let kind = kind.ok_or_else(|| CommandFailed::NoKind(typed.to_owned()))?;
            Ok(show_kind(kind, speech).map(|()| Exit::Done)?)
        })
    }

    /// Says something about the catalogue, for which no node need be set up.
    fn tell(&self, say: impl FnOnce(&Catalogue, &mut Speech<'_>) -> Result<Exit, CommandFailed>) -> Exit {
        let catalogue = match load_catalogue(&self.layout) {
            Ok(catalogue) => catalogue,
            Err(failed) => return complain(&chain_of(&failed), Exit::Refused),
        };
        let (mut out, mut err) = (io::BufWriter::new(io::stdout().lock()), io::stderr());
        let mut speech = Speech {
            out: &mut out,
            err: &mut err,
            language: self.language,
            format: self.format,
            terminal: false,
        };
        match say(&catalogue, &mut speech) {
            Ok(exit) => crate::running::flushed(&mut out, exit),
            Err(CommandFailed::Output(failed)) => complain(&failed.to_string(), Exit::Unavailable),
            Err(failed) => self.refuse(&failed),
        }
    }

    fn split(&self, file: &Path, mapping: &Path, column: &str, folder: &Path) -> Exit {
        let catalogue = match load_catalogue(&self.layout) {
            Ok(catalogue) => catalogue,
            Err(failed) => return complain(&chain_of(&failed), Exit::Refused),
        };
        match split(&catalogue, file, mapping, column, folder) {
            Ok(index) => {
                let count = index.as_array().map_or(0, Vec::len);
                let path = folder.display();
                let text = self.language.pick(
                    format!("已按“{column}”分成 {count} 个文件，见 {path}/index.json"),
                    format!("split into {count} files by {column:?}, see {path}/index.json"),
                );
                complain(&text, Exit::Done)
            }
            Err(failed) => self.refuse(&failed),
        }
    }
}

/// Says something that is no data. If nobody hears it, the exit code still says it.
fn complain(text: &str, exit: Exit) -> Exit {
    drop(writeln!(io::stderr(), "{text}"));
    exit
}
