//! A drawer: one table of the office, whose rows are JSON of one type.

use std::marker::PhantomData;

use safeharbor_service::store::{Batch, Scan, Store, StoreFailed, Table};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the office keeps cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DrawerFailed {
    /// The store.
    #[error("the office's store cannot be used")]
    Store(#[from] StoreFailed),
    /// A row is not what this version writes.
    #[error("a row of the office's table {} cannot be understood", table.0)]
    Row {
        /// Which table.
        table: Table,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// One table of rows of type `T`.
#[derive(Debug)]
pub struct Drawer<'s, T> {
    store: &'s dyn Store,
    table: Table,
    rows: PhantomData<fn() -> T>,
}

impl<'s, T: Serialize + DeserializeOwned> Drawer<'s, T> {
    /// The table's rows.
    #[must_use]
    pub const fn new(store: &'s dyn Store, table: Table) -> Self {
        Self { store, table, rows: PhantomData }
    }

    /// The row of a key.
    ///
    /// # Errors
    /// The store; a row that cannot be understood.
    pub fn find(&self, key: &[u8]) -> Result<Option<T>, DrawerFailed> {
        self.store.get(self.table, key)?.map(|row| self.read(&row)).transpose()
    }

    /// All rows in the order of their keys.
    ///
    /// # Errors
    /// The store; a row that cannot be understood.
    pub fn all(&self) -> Result<Vec<(Vec<u8>, T)>, DrawerFailed> {
        let rows = self.store.scan(&Scan::all(self.table))?;
        rows.into_iter().map(|(key, row)| Ok((key, self.read(&row)?))).collect()
    }

    /// Puts a row into a batch.
    ///
    /// # Errors
    /// The row cannot be written as JSON.
    pub fn put(&self, batch: &mut Batch, key: &[u8], row: &T) -> Result<(), DrawerFailed> {
        let row =
            serde_json::to_vec(row).map_err(|source| DrawerFailed::Row { table: self.table, source })?;
        batch.put(self.table, key, row);
        Ok(())
    }

    /// Keeps one row; durable on return.
    ///
    /// # Errors
    /// The store.
    pub fn keep(&self, key: &[u8], row: &T) -> Result<(), DrawerFailed> {
        let mut batch = Batch::new();
        self.put(&mut batch, key, row)?;
        keep_all(self.store, batch)
    }

    fn read(&self, row: &[u8]) -> Result<T, DrawerFailed> {
        serde_json::from_slice(row).map_err(|source| DrawerFailed::Row { table: self.table, source })
    }
}

/// Keeps a batch; durable on return.
///
/// # Errors
/// The store.
pub fn keep_all(store: &dyn Store, batch: Batch) -> Result<(), DrawerFailed> {
    if batch.is_empty() {
        return Ok(());
    }
    store.commit(batch)?;
    Ok(store.flush()?)
}
