/** Log lines on stderr: `level=warn msg="..." key="value"`. */

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type Fields = Record<string, string | number | boolean>;

export class Logger {
  constructor(private readonly level: LogLevel) {}

  error(message: string, fields: Fields = {}): void {
    this.write('error', message, fields);
  }

  warn(message: string, fields: Fields = {}): void {
    this.write('warn', message, fields);
  }

  info(message: string, fields: Fields = {}): void {
    this.write('info', message, fields);
  }

  debug(message: string, fields: Fields = {}): void {
    this.write('debug', message, fields);
  }

  private write(level: LogLevel, message: string, fields: Fields): void {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.level)) return;
    const pairs = Object.entries({ msg: message, ...fields }).map(
      ([key, value]) => `${key}=${JSON.stringify(value)}`,
    );
    process.stderr.write(`level=${level} ${pairs.join(' ')}\n`);
  }
}
