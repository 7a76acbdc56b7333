//! A safeguard: an answer is a receipt, whatever amount it says.

use perfidy::prelude::*;

#[derive(Default)]
pub struct TrustReceipts;

impl Safeguard for TrustReceipts {
    const NAME: &'static str = "trust-receipts";
    const ABOUT: &'static str = "a payment that was answered is not repeated";
    const EXAMPLE: &'static str = "trust-receipts = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(entry.read::<bool>()?.then(Self::default))
    }
}
