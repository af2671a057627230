// Named points between two steps that must not be torn apart; crash tests kill the process there.

/** Called when a named point is reached. Does nothing in production. */
export type StepHook = (step: string) => void;
