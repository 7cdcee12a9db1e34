// `node -r THIS file`: the clock of the process is CLOCK_AHEAD milliseconds ahead. What measures durations is not.
const ahead = Number(process.env.CLOCK_AHEAD);
const RightDate = Date;

globalThis.Date = class Date extends RightDate {
  constructor(...given) {
    super(...(given.length === 0 ? [RightDate.now() + ahead] : given));
  }

  static now() {
    return RightDate.now() + ahead;
  }
};
