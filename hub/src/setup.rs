//! Setting a hub up: folder, keys, certificate authority, trust file. The first statements are logged at first opening.

use std::path::Path;
use std::sync::Arc;

use safeharbor_certs::authority::{Authority, AuthorityFailed};
use safeharbor_core::institution::Issuer;
use safeharbor_core::key::Signer as _;
use safeharbor_core::note::{ParseVerifierKeyFailed, VerifierKey};
use safeharbor_core::policy::{BuildPolicyFailed, Policy};
use safeharbor_service::audit::{AuditFailed, AuditLog};
use safeharbor_service::clock::{Clock, to_seconds};
use safeharbor_service::durable_file::{WriteFailed, create_folders_durably, write_durably};
use safeharbor_service::folder::{DataFolder, OpenFolderFailed, Role};
use safeharbor_service::key_file::{self, CreateKeyFailed, KeyUse};
use safeharbor_service::person::PersonsFailed;
use safeharbor_service::random::Random;
use safeharbor_service::secret_file;
use safeharbor_service::settings::LoadSettingsFailed;
use safeharbor_service::store::{SledSettings, SledStore, Store, StoreFailed};
use zeroize::Zeroizing;

use crate::folder::{Paths, Settings};
use crate::office::persons;

/// How long the authority is valid.
pub(crate) const AUTHORITY_S: u64 = 10 * 365 * 24 * 3600;
/// How long the hub's TLS certificate is valid; the running hub renews it.
pub(crate) const TLS_S: u64 = 30 * 24 * 3600;

/// What a hub is called.
#[derive(Debug, Clone)]
pub struct Naming {
    /// The host in `https://<name>`.
    pub name: String,
    /// The registry's origin; `<name>/registry` if none is given.
    pub origin: Option<String>,
    /// Further names and addresses for the TLS certificate.
    pub tls_names: Vec<String>,
}

/// A hub cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpFailed {
    /// The name cannot be a hub's.
    #[error("{0:?} is not a host name in lower case")]
    Name(String),
    /// The folder is unusable.
    #[error(transparent)]
    Folder(#[from] OpenFolderFailed),
    /// A key cannot be made.
    #[error("a key cannot be made")]
    Key(#[from] CreateKeyFailed),
    /// A certificate cannot be made.
    #[error("a certificate cannot be made")]
    Authority(#[from] AuthorityFailed),
    /// The origin cannot name a key.
    #[error("the origin cannot name the log's key")]
    Origin(#[from] ParseVerifierKeyFailed),
    /// The trust file cannot be made.
    #[error("the trust file cannot be made")]
    Policy(#[from] BuildPolicyFailed),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFailed),
    /// A folder cannot be made.
    #[error("a folder cannot be made")]
    CreateFolder(#[from] std::io::Error),
}

/// Sets a hub up in an empty or missing folder.
///
/// # Errors
/// Any of [`SetUpFailed`].
pub fn set_up(
    folder: &Path,
    naming: &Naming,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<(), SetUpFailed> {
    let issuer: Issuer = format!("https://{}", naming.name)
        .parse()
        .map_err(|_issuer| SetUpFailed::Name(naming.name.clone()))?;
    let _held = DataFolder::create(folder, Role::Hub)?;
    let paths = Paths::new(folder);
    for part in [paths.keys(), paths.registry(), paths.signed().parent().unwrap_or(folder).to_owned()] {
        create_folders_durably(&part)?;
    }
    let origin = naming.origin.clone().unwrap_or_else(|| format!("{}/registry", naming.name));
    let log = key_file::create(&paths.log_key(), KeyUse::Log, random)?;
    let statements = key_file::create(&paths.statement_key(), KeyUse::Statement, random)?;
    let names = tls_names(naming);
    create_certificates(&paths, &naming.name, &names, to_seconds(clock.now_ms()))?;
    let vkey = VerifierKey::ed25519(&origin, log.public_key())?;
    write_durably(&paths.vkey(), format!("{vkey}\n").as_bytes())?;
    let policy =
        Policy::builder().log(vkey, None)?.hub_key(issuer, statements.public_key())?.quorum_none()?;
    write_durably(&paths.policy(), policy.build()?.to_string().as_bytes())?;
    let settings = format!("name = {:?}\norigin = {origin:?}\ntls_names = {names:?}\n", naming.name);
    Ok(write_durably(&paths.settings(), settings.as_bytes())?)
}

/// Makes the one-time link of the first administrator of a hub that was just set up.
///
/// # Errors
/// The folder or the store of persons cannot be used.
pub fn first_link(
    folder: &Path,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Zeroizing<String>, FirstLinkFailed> {
    let _held = DataFolder::open(folder, Role::Hub)?;
    let paths = Paths::new(folder);
    let settings = Settings::load(&paths, &[])?;
    let store: Arc<dyn Store> = Arc::new(SledStore::open(&paths.office(), SledSettings::default())?);
    let persons = persons(&store, clock, random);
    let planned = persons.plan_first_code()?.ok_or(FirstLinkFailed::Administrators)?;
    AuditLog::open(&paths.audit(), Arc::clone(clock))?.append(
        None,
        "make first code",
        "persons",
        serde_json::Value::Null,
    )?;
    let code = planned.make()?;
    Ok(Zeroizing::new(format!("{}{}", link_head(&settings, &settings.admin), code.as_str())))
}

/// What goes before a one-time code so that a browser opens its page.
#[must_use]
pub fn link_head(settings: &Settings, admin: &str) -> String {
    let scheme = if settings.admin_https { "https" } else { "http" };
    format!("{scheme}://{admin}/first#")
}

/// The one-time link cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum FirstLinkFailed {
    /// The folder is unusable.
    #[error(transparent)]
    Folder(#[from] OpenFolderFailed),
    /// The settings cannot be loaded.
    #[error("the settings cannot be loaded")]
    Settings(#[from] LoadSettingsFailed),
    /// The store cannot be opened.
    #[error("the office cannot be opened")]
    Store(#[from] StoreFailed),
    /// The persons cannot be written.
    #[error("the code cannot be made")]
    Persons(#[from] PersonsFailed),
    /// There were two administrators.
    #[error("there were two administrators already")]
    Administrators,
    /// It cannot be noted.
    #[error("the audit log cannot be written")]
    Audit(#[from] AuditFailed),
}

fn tls_names(naming: &Naming) -> Vec<String> {
    let host = naming.name.split(['/', ':']).next().unwrap_or_default().to_owned();
    let mut names = vec![host];
    for name in &naming.tls_names {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn create_certificates(
    paths: &Paths,
    name: &str,
    tls_names: &[String],
    now_s: u64,
) -> Result<(), SetUpFailed> {
    let authority = Authority::create(&format!("Safe Harbour hub {name}"), now_s, AUTHORITY_S)?;
    let tls = authority.issue_server(tls_names, now_s, TLS_S)?;
    secret_file::create(&paths.ca_key(), authority.key_pem().as_bytes())?;
    secret_file::create(&paths.tls_key(), tls.key_pem.as_bytes())?;
    write_durably(&paths.ca(), authority.ca_pem().as_bytes())?;
    let chain = tls.certificate_pem + &authority.ca_pem();
    Ok(write_durably(&paths.tls(), chain.as_bytes())?)
}
