// What counts as needed before the first prompt, and how much that may be.

/** The budget, in kB of 1000 bytes, compressed with brotli. This is the one place that says it. */
export const BUDGET_KB = 700;

/** Fetched only after the prompt, or only when asked for. */
const LATER = [/^lessons\//, /^icons\/(?!kaiki\.svg$)/, /^\./];

export const counted = (name) => !LATER.some((pattern) => pattern.test(name));
