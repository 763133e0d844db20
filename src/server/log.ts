/** Where the server's events go; pino's loggers are such. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
