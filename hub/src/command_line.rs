//! The command line: words to commands, commands to whoever has the hub open.

mod arguments;
mod backing_up;
mod checking;
mod examining;
mod joining;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use arguments::Arguments;
use arguments::{CatalogueWords, InstitutionWords, ProposalWords, Words};
use safeharbor_service::caller;
use safeharbor_service::clock::Clock;
use safeharbor_service::control;
use safeharbor_service::person::Credentials;
use safeharbor_service::prompt::credentials;
use safeharbor_service::random::Random;
use safeharbor_service::speech::{Exit, Format, Language, chain_of};
use tokio::runtime::Runtime;

use crate::command::{
    AddCommand, CatalogueCommand, Command, ImportCommand, InstitutionCommand, ProposalCommand, Request,
    Source, offline, rebuild,
};
use crate::folder::Paths;
use crate::running::run;
use crate::setup::{Naming, first_link, set_up};

/// What the command line gets from `main`.
#[derive(Debug)]
pub struct Surroundings {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The locale's language.
    pub locale: Language,
    /// The folder that relative paths start from.
    pub folder: PathBuf,
}

/// Carries out what was asked for and says what there is to say.
#[must_use]
pub fn carry_out(arguments: Arguments, surroundings: Surroundings, runtime: &Runtime) -> Exit {
    let Arguments { lang, format, data, words } = arguments;
    let language = lang.unwrap_or(surroundings.locale);
    let data = surroundings.folder.join(data);
    Desk { surroundings, data, language, format, runtime }.carry_out(words)
}

/// Where the person sits.
#[derive(Debug)]
struct Desk<'r> {
    surroundings: Surroundings,
    data: PathBuf,
    language: Language,
    format: Format,
    runtime: &'r Runtime,
}

impl Desk<'_> {
    fn carry_out(&self, words: Words) -> Exit {
        match words {
            Words::Init { name, origin, tls_names } => self.init(&Naming { name, origin, tls_names }),
            Words::Run { listen, admin, public_address } => {
                self.run([("listen", listen), ("admin", admin), ("public_address", public_address)])
            }
            Words::Institution(words) => self.ask_and_deliver(|| self.institution(words)),
            Words::Invite(words) => self.ask_and_deliver(|| self.invite(words)),
            Words::Invitation(words) => self.ask_and_deliver(|| self.invitation(words)),
            Words::Key(words) => self.ask_and_deliver(|| self.key_words(words)),
            Words::Authority(words) => self.ask_and_deliver(|| self.authority(words)),
            Words::Person(words) => self.ask_and_deliver(|| Ok(Command::Person(words.ask(self.language)?))),
            Words::Audit(words) => {
                let folder = &self.surroundings.folder;
                self.ask_and_deliver(|| Ok(Command::Audit(words.ask(self.language, folder)?)))
            }
            Words::Proposal(words) => self.ask_and_deliver(|| self.proposal(words)),
            Words::Backup(words) => self.backup(words),
            Words::Doctor => self.doctor(),
            Words::Fsck => self.fsck(),
            Words::Restore { file, identity, checkpoint } => {
                self.restore(&self.path(&file), identity, checkpoint)
            }
            Words::Catalogue(words) => self.ask_and_deliver(|| self.catalogue(words)),
            Words::Rebuild => match rebuild(&self.data, self.seams()) {
                Ok(text) => answer(&text),
                Err(failed) => complain(&chain_of(&failed), failed.exit()),
            },
        }
    }

    fn seams(&self) -> (&Arc<dyn Clock>, &Arc<dyn Random>) {
        (&self.surroundings.clock, &self.surroundings.random)
    }

    fn init(&self, naming: &Naming) -> Exit {
        let (clock, random) = self.seams();
        if let Err(failed) = set_up(&self.data, naming, clock.as_ref(), random.as_ref()) {
            return complain(&chain_of(&failed), Exit::Refused);
        }
        let folder = self.data.display();
        let text = self
            .language
            .pick(format!("枢纽已在 {folder} 建立。"), format!("the hub is set up in {folder}."));
        complain(&text, Exit::Done);
        match caller::sync_scope(caller::own(), || first_link(&self.data, clock, random)) {
            Ok(link) => {
                complain(
                    self.language.pick(
                        "枢纽运行后（run），第一位管理员用浏览器打开下面的链接，设定姓名和密码；72 小时内有效，只能使用一次。随后用 person first-code 为第二位管理员生成链接，交给另一个人：两人共同决定须由两人作出的事。",
                        "once the hub runs, its first administrator opens this link in a browser to choose name and password; it is valid for 72 hours and works once. Then make a link for the second one, another person, with `person first-code`: the two decide together what takes two.",
                    ),
                    Exit::Done,
                );
                answer(&format!("{}\n", *link))
            }
            Err(failed) => complain(&chain_of(&failed), Exit::Refused),
        }
    }

    fn run(&self, given: [(&'static str, Option<String>); 3]) -> Exit {
        let overrides: Vec<_> = given.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        match self.runtime.block_on(run(&self.data, overrides, self.seams())) {
            Ok(()) => Exit::Done,
            Err(failed) => complain(&chain_of(&failed), Exit::Unavailable),
        }
    }

    /// The hub that carries out a command may have started in another folder.
    fn path(&self, typed: &Path) -> PathBuf {
        self.surroundings.folder.join(typed)
    }

    fn institution(&self, words: InstitutionWords) -> io::Result<Command> {
        Ok(Command::Institution(match words {
            InstitutionWords::Add(words) => InstitutionCommand::Add(AddCommand {
                id: words.id,
                names: words.names,
                aliases: words.aliases,
                kind: words.kind.map(Into::into),
                in_district: words.in_district,
                counts_for_g1: words.counts_for_g1,
                code: words.code,
                by: self.ask(words.person)?,
            }),
            InstitutionWords::Import { file, person } => {
                InstitutionCommand::Import(ImportCommand { file: self.path(&file), by: self.ask(person)? })
            }
            InstitutionWords::List => InstitutionCommand::List,
            InstitutionWords::Suspend { code, person } => {
                InstitutionCommand::Suspend { code, by: self.ask(person)? }
            }
            InstitutionWords::Reinstate { code, person, reason } => {
                InstitutionCommand::Reinstate { code, by: self.ask(person)?, reason }
            }
            InstitutionWords::Revoke { code, person, reason } => {
                InstitutionCommand::Revoke { code, by: self.ask(person)?, reason }
            }
        }))
    }

    fn proposal(&self, words: ProposalWords) -> io::Result<Command> {
        Ok(Command::Proposal(match words {
            ProposalWords::List => ProposalCommand::List,
            ProposalWords::Approve { number, person } => {
                ProposalCommand::Approve { number, by: self.ask(person)? }
            }
            ProposalWords::Decline { number, reason, person } => {
                ProposalCommand::Decline { number, reason, by: self.ask(person)? }
            }
            ProposalWords::Withdraw { number, person } => {
                ProposalCommand::Withdraw { number, by: self.ask(person)? }
            }
        }))
    }

    /// Who `--person` names, with the password they type.
    fn ask(&self, name: String) -> io::Result<Credentials> {
        credentials(name, self.language)
    }

    /// Delivers a command once its passwords are read.
    fn ask_and_deliver(&self, command: impl FnOnce() -> io::Result<Command>) -> Exit {
        match command() {
            Ok(command) => self.deliver(command),
            Err(failed) => {
                let text = self.language.pick("未读到密码", "no password was read");
                complain(&format!("{text}: {failed}"), Exit::Refused)
            }
        }
    }

    fn catalogue(&self, words: CatalogueWords) -> io::Result<Command> {
        let source = |folder: Option<PathBuf>| match folder {
            Some(folder) => Source::Folder(self.path(&folder)),
            None => Source::Embedded,
        };
        Ok(Command::Catalogue(match words {
            CatalogueWords::List => CatalogueCommand::List,
            CatalogueWords::Show { cat } => CatalogueCommand::Show { cat },
            CatalogueWords::Check { folder } => CatalogueCommand::Check { source: source(Some(folder)) },
            CatalogueWords::Diff { folder, .. } => CatalogueCommand::Diff { source: source(folder) },
            CatalogueWords::Propose { folder, person, reason, .. } => {
                CatalogueCommand::Propose { source: source(folder), by: self.ask(person)?, reason }
            }
            CatalogueWords::Export { cat, output } => {
                CatalogueCommand::Export { cat, folder: self.path(&output) }
            }
        }))
    }

    /// Has the running hub carry a command out, or opens the hub for it.
    fn deliver(&self, command: Command) -> Exit {
        let request = Request { command, language: self.language, format: self.format };
        let bytes = match serde_json::to_vec(&request) {
            Ok(bytes) => zeroize::Zeroizing::new(bytes),
            Err(failed) => return complain(&failed.to_string(), Exit::Usage),
        };
        let socket = Paths::new(&self.data).control();
        match control::forward(&socket, &bytes, &mut io::stdout(), &mut io::stderr()) {
            Ok(Some(code)) => return Exit::of_code(code),
            Ok(None) => {}
            Err(failed) => return complain(&chain_of(&failed), Exit::Unavailable),
        }
        match self.runtime.block_on(offline(&self.data, self.seams(), request)) {
            Ok(reply) => {
                drop(io::stderr().write_all(reply.err.as_bytes()));
                match answer(&reply.out) {
                    Exit::Done => reply.exit,
                    failed @ (Exit::Refused | Exit::Usage | Exit::Unavailable) => failed,
                }
            }
            Err(failed) => complain(&chain_of(&failed), failed.exit()),
        }
    }
}

/// Data that did not arrive is not delivered.
fn answer(text: &str) -> Exit {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Unavailable,
    }
}

/// Says something that is no data. If nobody hears it, the exit code still says it.
fn complain(text: &str, exit: Exit) -> Exit {
    drop(writeln!(io::stderr(), "safeharbor-hub: {text}"));
    exit
}
