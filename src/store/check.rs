//! Is the file sound? To know it, all of it is read: a small one before anything else, a large one while it is used, because
//! nobody waits for that at a start.

use std::path::Path;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnection;

use super::error::open_error;
use super::{Store, StoreError};

/// A file up to this size, in bytes, is read whole in a tenth of a second.
pub(super) const FIRST_BYTES_MAX: u64 = 16 << 20;

impl Store {
    /// Whether the file was read whole before it was opened.
    pub fn is_checked(&self) -> bool {
        self.checked
    }

    /// Reads the file whole, beside whoever uses it, and says if it is damaged.
    pub async fn check(&self) -> Result<(), StoreError> {
        let [reader, ..] = &self.readers;
        let options = reader.options();
        let path = options.get_filename().to_owned();
        let opened = |error| open_error(&path, error);
        // One of its own: it takes a while, and others do not wait for it.
        let mut connection = options.connect().await.map_err(opened)?;
        sound(&path, &mut connection).await
    }
}

/// Reads the file whole.
pub(super) async fn sound(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let found: Vec<String> = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_all(connection)
        .await
        .map_err(|error| open_error(path, error))?;
    if found == ["ok"] {
        return Ok(());
    }
    Err(StoreError::Corrupt { path: path.to_owned(), detail: found.join("; ") })
}
