//! The shapes that several resources share, and how domain types become them.
//!
//! Every field of an answer is always present; `null` means unknown or absent. Durations are
//! microseconds in fields that end in `_us`.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::money::{NanoUsd, NanoUsdPerMillion};
use megarouter_domain::price;
use megarouter_domain::usage;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A dollar per token. Above it lies a slip of the finger, and in the end an amount that fits no column.
const HIGHEST_RATE: NanoUsdPerMillion = NanoUsdPerMillion(1_000_000_000_000_000);

/// A point in time, RFC 3339, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime, examples("2026-11-22T14:00:00.000000Z"))]
pub struct Time(pub Timestamp);

/// An amount of money: whole billionths of a US dollar, as text so that no reader rounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, pattern = "^-?[0-9]+$", examples("3100000"))]
pub struct Amount(pub NanoUsd);

/// A price: US dollars per million tokens, as an exact decimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9]*[.]?[0-9]*$", examples("0.15"))]
pub struct Rate(pub NanoUsdPerMillion);

/// A number of whatever a budget counts: billionths of a US dollar, tokens, or requests; as text so that no
/// reader rounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9]+$", examples("14000000000000"))]
pub struct Quantity(pub u64);

/// How sure a cost is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostState {
    /// From the provider's own usage at a known price.
    Exact,
    /// From counted usage at a known price.
    Estimated,
    /// The price or the usage is not known; the amount is what is known of it.
    Unknown,
    /// Nothing to pay.
    NotBillable,
}

/// What something cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cost {
    /// How sure the amount is.
    pub state: CostState,
    /// The amount; `"0"` where there is none.
    pub amount: Amount,
}

/// Tokens by class. The classes do not overlap; `null` means that the provider did not report one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Usage {
    /// Input that was neither read from nor written to a prompt cache.
    pub input: Option<u64>,
    /// Input read from the prompt cache.
    pub cached_read: Option<u64>,
    /// Input written to the prompt cache.
    pub cache_write: Option<u64>,
    /// Text output that was not reasoning.
    pub output: Option<u64>,
    /// Output spent on reasoning.
    pub reasoning: Option<u64>,
    /// Audio input.
    pub audio_input: Option<u64>,
    /// Audio output.
    pub audio_output: Option<u64>,
    /// Input written to the prompt cache for one hour.
    pub cache_write_1h: Option<u64>,
    /// Image input.
    pub image_input: Option<u64>,
    /// Image output.
    pub image_output: Option<u64>,
    /// Images made, where they are charged one by one.
    pub images: Option<u64>,
    /// Audio, in milliseconds, where it is charged by time.
    pub audio_ms: Option<u64>,
    /// Characters read aloud, where they are charged.
    pub characters: Option<u64>,
    /// Searches made.
    pub searches: Option<u64>,
    /// The class of service, where it was not the standard one.
    pub service_tier: Option<ServiceTier>,
    /// All input classes together.
    pub total_input: Option<u64>,
    /// All output classes together.
    pub total_output: Option<u64>,
}

/// Where token figures came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The provider's own figure.
    Reported,
    /// Counted by MegaRouter.
    Estimated,
    /// Neither.
    Unknown,
}

/// A class of service with a price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceTier {
    /// Answered within a day.
    Batch,
    /// Answered when there is room.
    Flex,
    /// Answered before others.
    Priority,
}

/// What is charged: the standard rates, and others where those apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tariff {
    /// The standard rates.
    pub rates: Rates,
    /// Rates that take their place under a condition.
    pub tiers: Vec<Tier>,
}

/// Rates that apply to the whole of a call that meets both conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The class of service; `null` for the standard one.
    pub service: Option<ServiceTier>,
    /// The call has more input tokens than this.
    pub above_input_tokens: Option<u64>,
    /// The rates.
    pub rates: Rates,
}

/// Prices per million tokens or units of each class. A class of tokens that is left out is charged as
/// `input` or `output`; a unit that is left out is not charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Uncached input; left out, nothing.
    #[serde(default)]
    pub input: Rate,
    /// Output that is not reasoning; left out, nothing.
    #[serde(default)]
    pub output: Rate,
    /// Input read from the prompt cache.
    pub cached_read: Option<Rate>,
    /// Input written to the prompt cache.
    pub cache_write: Option<Rate>,
    /// Reasoning output.
    pub reasoning: Option<Rate>,
    /// Audio input.
    pub audio_input: Option<Rate>,
    /// Audio output.
    pub audio_output: Option<Rate>,
    /// Input written to the prompt cache for one hour; left out, as `cache_write`.
    pub cache_write_1h: Option<Rate>,
    /// Image input.
    pub image_input: Option<Rate>,
    /// Image output.
    pub image_output: Option<Rate>,
    /// Images made.
    pub image: Option<Rate>,
    /// Milliseconds of audio.
    pub audio_ms: Option<Rate>,
    /// Characters read aloud.
    pub character: Option<Rate>,
    /// Searches.
    pub search: Option<Rate>,
    /// Calls.
    pub request: Option<Rate>,
}

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl From<NanoUsd> for Amount {
    fn from(amount: NanoUsd) -> Self {
        Self(amount)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let nanos = is_plain(text.strip_prefix('-').unwrap_or(&text)).then(|| text.parse().ok()).flatten();
        let wrong = || D::Error::custom("an amount is a whole number of billionths of a dollar, as text");
        nanos.map(|nanos| Self(NanoUsd(nanos))).ok_or_else(wrong)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_plain.then(|| text.parse::<i64>().ok()).flatten().and_then(|number| u64::try_from(number).ok());
        number.map(Self).ok_or_else(|| D::Error::custom("it is a whole number as text, below 9223372036854775808"))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_usd())
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let rate = NanoUsdPerMillion::parse_usd(&text).map_err(D::Error::custom)?;
        if rate > HIGHEST_RATE {
            return Err(D::Error::custom("no model costs more than a million dollars per million tokens"));
        }
        Ok(Self(rate))
    }
}

impl From<price::Cost> for Cost {
    fn from(cost: price::Cost) -> Self {
        let state = match cost {
            price::Cost::Exact(_) => CostState::Exact,
            price::Cost::Estimated(_) => CostState::Estimated,
            price::Cost::Unknown => CostState::Unknown,
            price::Cost::NotBillable => CostState::NotBillable,
        };
        Self { state, amount: Amount(cost.amount()) }
    }
}

impl From<usage::Usage> for Usage {
    fn from(usage: usage::Usage) -> Self {
        Self {
            input: usage.input,
            cached_read: usage.cached_read,
            cache_write: usage.cache_write,
            output: usage.output,
            reasoning: usage.reasoning,
            audio_input: usage.audio_input,
            audio_output: usage.audio_output,
            cache_write_1h: usage.cache_write_1h,
            image_input: usage.image_input,
            image_output: usage.image_output,
            images: usage.images,
            audio_ms: usage.audio_ms,
            characters: usage.characters,
            searches: usage.searches,
            service_tier: usage.service_tier.map(ServiceTier::from),
            total_input: usage.total_input(),
            total_output: usage.total_output(),
        }
    }
}

impl From<usage::UsageSource> for UsageSource {
    fn from(source: usage::UsageSource) -> Self {
        match source {
            usage::UsageSource::Reported => Self::Reported,
            usage::UsageSource::Estimated => Self::Estimated,
            usage::UsageSource::Unknown => Self::Unknown,
        }
    }
}

impl From<price::Rates> for Rates {
    fn from(rates: price::Rates) -> Self {
        Self {
            input: Rate(rates.input),
            output: Rate(rates.output),
            cached_read: rates.cached_read.map(Rate),
            cache_write: rates.cache_write.map(Rate),
            reasoning: rates.reasoning.map(Rate),
            audio_input: rates.audio_input.map(Rate),
            audio_output: rates.audio_output.map(Rate),
            cache_write_1h: rates.cache_write_1h.map(Rate),
            image_input: rates.image_input.map(Rate),
            image_output: rates.image_output.map(Rate),
            image: rates.image.map(Rate),
            audio_ms: rates.audio_ms.map(Rate),
            character: rates.character.map(Rate),
            search: rates.search.map(Rate),
            request: rates.request.map(Rate),
        }
    }
}

impl From<Rates> for price::Rates {
    fn from(rates: Rates) -> Self {
        let inner = |rate: Option<Rate>| rate.map(|rate| rate.0);
        Self {
            input: rates.input.0,
            output: rates.output.0,
            cached_read: inner(rates.cached_read),
            cache_write: inner(rates.cache_write),
            reasoning: inner(rates.reasoning),
            audio_input: inner(rates.audio_input),
            audio_output: inner(rates.audio_output),
            cache_write_1h: inner(rates.cache_write_1h),
            image_input: inner(rates.image_input),
            image_output: inner(rates.image_output),
            image: inner(rates.image),
            audio_ms: inner(rates.audio_ms),
            character: inner(rates.character),
            search: inner(rates.search),
            request: inner(rates.request),
        }
    }
}

impl From<usage::ServiceTier> for ServiceTier {
    fn from(tier: usage::ServiceTier) -> Self {
        match tier {
            usage::ServiceTier::Batch => Self::Batch,
            usage::ServiceTier::Flex => Self::Flex,
            usage::ServiceTier::Priority => Self::Priority,
        }
    }
}

impl From<ServiceTier> for usage::ServiceTier {
    fn from(tier: ServiceTier) -> Self {
        match tier {
            ServiceTier::Batch => Self::Batch,
            ServiceTier::Flex => Self::Flex,
            ServiceTier::Priority => Self::Priority,
        }
    }
}

impl From<&price::Tariff> for Tariff {
    fn from(tariff: &price::Tariff) -> Self {
        Self { rates: tariff.rates.into(), tiers: tariff.tiers.iter().map(Tier::from).collect() }
    }
}

impl From<&price::Tier> for Tier {
    fn from(tier: &price::Tier) -> Self {
        let service = tier.service.map(ServiceTier::from);
        Self { service, above_input_tokens: tier.above_input_tokens, rates: tier.rates.into() }
    }
}

impl From<Tier> for price::Tier {
    fn from(tier: Tier) -> Self {
        let service = tier.service.map(usage::ServiceTier::from);
        Self { service, above_input_tokens: tier.above_input_tokens, rates: tier.rates.into() }
    }
}

/// Microseconds of a duration, as answers carry them.
pub fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Reads a field for which `null` means something else than leaving it out.
#[expect(clippy::option_option, reason = "left out, `null` and a value are three things")]
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
