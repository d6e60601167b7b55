//! Sums of money that are exact, or none.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::value::Money;

/// The sum of some values.
#[derive(Debug, PartialEq)]
pub(super) enum Total {
    /// There is nothing to add.
    Nothing,
    /// `{amount, currency}`.
    Value(Value),
    /// The values are in several currencies, one cannot be read, or the sum has more digits than a decimal holds.
    NoSum,
}

/// Adds values, each `{amount, currency}`. One alone stays as it is written.
pub(super) fn total(values: &[Value]) -> Total {
    let mut sum: Option<Money> = None;
    for value in values {
        let Some(money) = Money::read(value) else { return Total::NoSum };
        sum = Some(match sum {
            None => money,
            Some(before) if before.currency == money.currency => {
                let Some(amount) = before.amount.checked_add(money.amount) else { return Total::NoSum };
                Money { amount, currency: before.currency }
            }
            Some(_) => return Total::NoSum,
        });
    }
    match (values, sum) {
        ([one], _) => Total::Value(one.clone()),
        (_, Some(sum)) => match number(sum.amount) {
            Some(amount) => Total::Value(json!({"amount": amount, "currency": sum.currency})),
            None => Total::NoSum,
        },
        (_, None) => Total::Nothing,
    }
}

/// The sum of some sums: none unless each is known.
pub(super) fn whole(parts: impl IntoIterator<Item = Total>) -> Total {
    let mut values = Vec::new();
    for part in parts {
        match part {
            Total::Value(value) => values.push(value),
            other => return other,
        }
    }
    total(&values)
}

/// A decimal as a JSON number: whole if it is, else the shortest form that reads back the same.
fn number(amount: Decimal) -> Option<Value> {
    serde_json::from_str(&amount.normalize().to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_or_none() {
        let value = |amount: &str, currency: &str| -> Value {
            serde_json::from_str(&format!(r#"{{"amount": {amount}, "currency": "{currency}"}}"#))
                .expect("a value")
        };
        assert_eq!(total(&[]), Total::Nothing);
        assert_eq!(total(&[value("10.50", "MXN")]), Total::Value(value("10.50", "MXN")));
        assert_eq!(total(&[value("0.1", "MXN"), value("0.2", "MXN")]), Total::Value(value("0.3", "MXN")));
        assert_eq!(total(&[value("1.5", "MXN"), value("2.5", "MXN")]), Total::Value(value("4", "MXN")));
        assert_eq!(total(&[value("1", "MXN"), value("1", "USD")]), Total::NoSum);
        let most = "79228162514264337593543950335";
        assert_eq!(whole([total(&[value("1", "MXN")]), Total::Nothing]), Total::Nothing);
        assert_eq!(
            whole([total(&[value("1", "MXN")]), Total::Value(value("2", "MXN"))]),
            Total::Value(value("3", "MXN"))
        );
        assert_eq!(total(&[value(most, "MXN"), value(most, "MXN")]), Total::NoSum);
    }
}
