import { mutate } from "$lib/api";
import { type Answer, Conversation, type Parameters } from "$lib/features/conversation/conversation.svelte";

/** One model of a comparison, with a conversation of its own. */
export interface Contestant {
  id: number;
  model: string;
  readonly conversation: Conversation;
}

export const mostContestants = 4;

/** Two to four models that are asked the same; blind, nobody knows which is which until the vote. */
export class Comparison {
  contestants = $state<Contestant[]>([]);
  isBlind = $state(false);
  /** Votes by the number of the question: the contestant's id, 0 for equally good. */
  votes = $state<Record<number, number>>({});
  #nextId = 1;
  /** The order in which they stand; shuffled for each blind comparison. */
  #order = $state<number[]>([]);

  get isOn(): boolean {
    return this.contestants.length > 1;
  }

  get isBusy(): boolean {
    return this.contestants.some(({ conversation }) => conversation.isBusy);
  }

  /** How many questions were asked. */
  get rounds(): number {
    return Math.max(0, ...this.contestants.map(({ conversation }) => conversation.turns.length));
  }

  /** Names and costs are hidden: the latest question waits for its vote. */
  get isHidden(): boolean {
    return this.isBlind && this.rounds > 0 && this.votes[this.rounds] === undefined;
  }

  get answers(): readonly Answer[] {
    return this.contestants.flatMap(({ conversation }) => conversation.answers);
  }

  /** The contestants in the order in which they are shown. */
  get shown(): readonly Contestant[] {
    if (!this.isBlind) return this.contestants;
    const place = ({ id }: Contestant) => this.#order.indexOf(id);
    return [...this.contestants].sort((left, right) => place(left) - place(right));
  }

  /** The latest question has been answered by at least two, and nobody voted yet. */
  get canVote(): boolean {
    return (
      !this.isBusy && this.rounds > 0 && this.votes[this.rounds] === undefined && this.#latest().length > 1
    );
  }

  add(model: string): void {
    if (this.contestants.length >= mostContestants) return;
    this.contestants.push({ id: this.#nextId++, model, conversation: new Conversation() });
    this.#shuffle();
  }

  remove(id: number): void {
    this.contestants.find((one) => one.id === id)?.conversation.stop();
    this.contestants = this.contestants.filter((one) => one.id !== id);
    if (this.contestants.length < 2) this.contestants = [];
  }

  ask(question: string, parametersOf: (model: string) => Parameters | null): void {
    // Who stands where is drawn before the first answer, and stays: each has its own conversation.
    if (this.rounds === 0) this.#shuffle();
    for (const { model, conversation } of this.contestants) {
      const parameters = parametersOf(model);
      if (parameters !== null) void conversation.ask(question, parameters);
    }
  }

  stop(): void {
    for (const { conversation } of this.contestants) conversation.stop();
  }

  clear(): void {
    for (const { conversation } of this.contestants) conversation.clear();
    this.votes = {};
    this.#shuffle();
  }

  /** Prefers one answer to the latest question; 0 for equally good. */
  async vote(id: number): Promise<void> {
    const latest = this.#latest();
    const preferred = latest.find((one) => one.id === id)?.requestId ?? null;
    await mutate("POST /feedback/votes", {
      body: { requests: latest.map(({ requestId }) => requestId), preferred },
    });
    this.votes = { ...this.votes, [this.rounds]: id };
  }

  #latest(): { id: number; requestId: string }[] {
    return this.contestants.flatMap(({ id, conversation }) => {
      const answer = conversation.turns[this.rounds - 1]?.answer;
      return answer?.requestId && answer.state === "done" ? [{ id, requestId: answer.requestId }] : [];
    });
  }

  #shuffle(): void {
    const order = this.contestants.map(({ id }) => id);
    for (let last = order.length - 1; last > 0; last -= 1) {
      const other = Math.floor(Math.random() * (last + 1));
      [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
    }
    this.#order = order;
  }
}
