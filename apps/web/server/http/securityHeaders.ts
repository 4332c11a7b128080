/** With every answer, whoever writes it. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  // Nobody may put the dashboard in a frame and have its reader click blindly.
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': "frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
  'Referrer-Policy': 'same-origin',
};
