//! A request that is only thought of, or was recorded, as routing looks at one.

use std::collections::BTreeMap;
use std::sync::Arc;

use megarouter_domain::access::Principal;
use megarouter_domain::catalog::Set;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::facts::Need;
use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::record::{Operation, UsageRecord};
use megarouter_domain::snapshot::Snapshot;
use megarouter_domain::tag::Tag;
use megarouter_routing::features::Text;
use megarouter_routing::predictor::Task;
use megarouter_routing::question::{BudgetView, Question};

/// Bytes of text that usually make a token: what is not counted by a model's own tokenizer is estimated so.
const BYTES_OF_TOKEN: u64 = 4;

/// A request that is only thought of, or was recorded.
pub(crate) struct Thought {
    pub asked: String,
    pub principal: Principal,
    pub units: Arc<[UnitId]>,
    pub tags: Vec<Tag>,
    pub headers: BTreeMap<String, String>,
    pub session: Option<String>,
    pub operation: Operation,
    pub needs: Set<Need>,
    pub input_tokens: u64,
    pub output_bound: Option<u64>,
    pub user: String,
    pub context_bytes: usize,
    pub earlier_turns: usize,
    pub task: Option<Task>,
    pub at: Timestamp,
    pub budget: BudgetView,
}

impl Thought {
    /// A recorded request, as far as its record tells; `None` when its key is gone.
    pub fn of_record(record: &UsageRecord, snapshot: &Snapshot) -> Option<Self> {
        let decision = record.decision.as_deref();
        let used = record.usage.total_input();
        let task = decision.and_then(|decision| decision.task.as_ref()).map(|task| Task::of_record(task, None));
        Some(Self {
            asked: record.model_asked.to_string(),
            principal: principal(record.key_id, snapshot)?,
            units: Arc::clone(&record.units),
            tags: record.tags.clone(),
            headers: BTreeMap::new(),
            // A session would be led to where it is by what is kept of it at present.
            session: None,
            operation: record.operation,
            needs: decision.map_or_else(Set::default, |decision| decision.needs),
            input_tokens: decision.map(|decision| decision.input_tokens).or(used).unwrap_or(0),
            output_bound: record.usage.total_output(),
            user: String::new(),
            context_bytes: 0,
            earlier_turns: 0,
            task,
            at: record.started_at,
            budget: BudgetView::default(),
        })
    }

    /// Lets somebody decide about it.
    pub fn ask<T>(&self, decide: impl FnOnce(&Question<'_>) -> T) -> T {
        let header = |name: &str| self.headers.get(name).cloned();
        decide(&Question {
            asked: &self.asked,
            principal: &self.principal,
            units: &self.units,
            tags: &self.tags,
            headers: &header,
            session: self.session.as_deref(),
            operation: self.operation,
            needs: self.needs,
            input_tokens: self.input_tokens,
            output_bound: self.output_bound,
            text: Text {
                user: &self.user,
                context_bytes: self.context_bytes,
                tool_count: usize::from(self.needs.contains(Need::Tools)),
                has_schema: self.needs.contains(Need::Schema),
                earlier_turns: self.earlier_turns,
            },
            task: self.task.as_ref(),
            at: self.at,
            budget: self.budget,
        })
    }
}

/// Who asks with a key.
pub(crate) fn principal(id: KeyId, snapshot: &Snapshot) -> Option<Principal> {
    snapshot.key(id).map(|key| Principal { key: Arc::clone(key) })
}

/// About how many tokens a text has.
pub(crate) const fn tokens(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_OF_TOKEN)
}
