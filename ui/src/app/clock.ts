/** How far the clock of this equipment may be from the central office's before it is said, milliseconds. */
export const CLOCK_LIMIT = 5 * 60_000;
