//! Reading a PostgreSQL database: one SELECT, in a session that cannot write, row by row into a spool.
//!
//! Every column comes as the text that the server itself makes of it, so that no number loses a digit; arrays come as lists
//! of such texts.

mod session;
#[cfg(test)]
mod tests;

use postgres::types::Kind;
use postgres::{Column, IsolationLevel, Transaction};
use serde_json::{Map, Value};

use super::declaration::PostgresqlSource;
use super::spool::{Spool, SpoolFailed};
use session::ConnectFailed;

/// Rows asked for at a time.
const ROWS_AT_A_TIME: i32 = 1_000;

/// A database that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadDatabaseFailed {
    /// No connection.
    #[error("the database cannot be connected to")]
    Connect(#[from] ConnectFailed),
    /// The database refuses.
    #[error("the database refuses: {}", said(.0))]
    Refused(postgres::Error),
    /// A column that occurs twice, or has no name.
    #[error("the query gives two columns the name {0:?}; name one of them with AS")]
    ColumnTwice(String),
    /// The column of the last change is not there.
    #[error("the query has no column {0:?}, which `newer` names")]
    NoNewer(String),
    /// Rows cannot be kept.
    #[error("the rows cannot be kept")]
    Spool(#[from] SpoolFailed),
}

impl From<postgres::Error> for ReadDatabaseFailed {
    fn from(error: postgres::Error) -> Self {
        Self::Refused(error)
    }
}

/// The server's own words, which the library leaves out of its text. Of a data exception (class 22) they quote the
/// value, which is nobody's business but the database's.
fn said(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) if said.code().code().starts_with("22") => {
            format!("a value does not fit its type or operation ({})", said.code().code())
        }
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => crate::speech::chain_of(error),
    }
}

/// Reads what the query gives; answers from where the next run goes on.
pub(super) fn read(
    source: &PostgresqlSource,
    since: Option<&str>,
    spool: &mut Spool,
) -> Result<Option<String>, ReadDatabaseFailed> {
    let mut client = session::open(source)?;
    // One snapshot for all statements of the run.
    let begun =
        client.build_transaction().read_only(true).isolation_level(IsolationLevel::RepeatableRead).start();
    let mut transaction = begun?;
    let query = Query::prepare(source, &mut transaction)?;
    let until = query.latest(&mut transaction)?;
    query.read(since, &mut transaction, spool)?;
    transaction.rollback()?;
    Ok(until.or_else(|| since.map(str::to_owned)))
}

/// The query as a table of texts.
struct Query<'s> {
    /// `(SELECT …) AS source`.
    table: String,
    columns: Vec<(String, Form)>,
    /// The column of the last change and its type.
    newer: Option<(&'s str, String)>,
}

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    List,
}

impl<'s> Query<'s> {
    /// Has the server parse the query alone: it takes one statement at a time that way, and in this place nothing but a SELECT.
    fn prepare(
        source: &'s PostgresqlSource,
        transaction: &mut Transaction<'_>,
    ) -> Result<Self, ReadDatabaseFailed> {
        transaction.prepare(&source.select)?;
        // A comment at the query's end must not swallow what follows.
        let table = format!("({}\n) AS source", source.select.trim_end().trim_end_matches(';'));
        let statement = transaction.prepare(&format!("SELECT * FROM {table}"))?;
        let mut columns: Vec<(String, Form)> = Vec::new();
        for column in statement.columns() {
            if columns.iter().any(|(name, _)| name == column.name()) {
                return Err(ReadDatabaseFailed::ColumnTwice(column.name().to_owned()));
            }
            columns.push((column.name().to_owned(), form_of(column)));
        }
        let newer = source.newer.as_deref().map(|newer| {
            let column = statement.columns().iter().find(|column| column.name() == newer);
            let type_of = |column: &Column| quoted(column.type_().name());
            column
                .map(|column| (newer, type_of(column)))
                .ok_or_else(|| ReadDatabaseFailed::NoNewer(newer.to_owned()))
        });
        Ok(Self { table, columns, newer: newer.transpose()? })
    }

    fn latest(&self, transaction: &mut Transaction<'_>) -> Result<Option<String>, ReadDatabaseFailed> {
        let Some((newer, _)) = &self.newer else { return Ok(None) };
        // `infinity` would be later than everything that ever comes.
        let finite =
            if self.counts_time() { format!(" WHERE isfinite({})", quoted(newer)) } else { String::new() };
        let sql = format!("SELECT max({})::text FROM {}{finite}", quoted(newer), self.table);
        Ok(transaction.query_one(&sql, &[])?.try_get(0)?)
    }

    /// Whether the column of the last change says when.
    fn counts_time(&self) -> bool {
        let names = ["\"date\"", "\"timestamp\"", "\"timestamptz\""];
        self.newer.as_ref().is_some_and(|(_, type_name)| names.contains(&type_name.as_str()))
    }

    /// Rows as new as the newest that was read before come again, those of two days before it where the column says
    /// when (a transaction may be committed long after the time it wrote down), and those that do not say: importing
    /// them twice changes nothing.
    fn sql(&self, has_since: bool) -> String {
        let column = |(name, form): &(String, Form)| match form {
            Form::Text => format!("{}::text", quoted(name)),
            Form::List => format!("to_json({}::text[])::text", quoted(name)),
        };
        let columns: Vec<String> = self.columns.iter().map(column).collect();
        let mut sql = format!("SELECT {} FROM {}", columns.join(", "), self.table);
        if let Some((newer, type_name)) = self.newer.as_ref().filter(|_| has_since) {
            let overlap = if self.counts_time() { " - interval '2 days'" } else { "" };
            let newer = quoted(newer);
            sql.push_str(&format!(" WHERE {newer} >= $1::text::{type_name}{overlap} OR {newer} IS NULL"));
        }
        sql
    }

    fn read(
        &self,
        since: Option<&str>,
        transaction: &mut Transaction<'_>,
        spool: &mut Spool,
    ) -> Result<(), ReadDatabaseFailed> {
        let since = since.filter(|_| self.newer.is_some());
        let statement = transaction.prepare(&self.sql(since.is_some()))?;
        let portal = match &since {
            Some(since) => transaction.bind(&statement, &[since])?,
            None => transaction.bind(&statement, &[])?,
        };
        loop {
            let rows = transaction.query_portal(&portal, ROWS_AT_A_TIME)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let mut object = Map::new();
                for (place, (name, form)) in self.columns.iter().enumerate() {
                    let text: Option<String> = row.try_get(place)?;
                    object.insert(name.clone(), value(text, *form));
                }
                spool.write(object)?;
            }
        }
    }
}

fn form_of(column: &Column) -> Form {
    if matches!(column.type_().kind(), Kind::Array(_)) { Form::List } else { Form::Text }
}

/// An empty array is an empty cell.
fn value(text: Option<String>, form: Form) -> Value {
    match (text, form) {
        (None, _) => Value::from(""),
        (Some(text), Form::Text) => Value::from(text),
        (Some(text), Form::List) => match serde_json::from_str(&text) {
            Ok(Value::Array(items)) if items.is_empty() => Value::from(""),
            Ok(list) => list,
            Err(_) => Value::from(text),
        },
    }
}

/// A name as SQL takes it whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
