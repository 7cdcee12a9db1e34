/** Whether a request is a health probe of a load balancer. */
export const isProbe = (url: string): boolean => url.startsWith('/health/');

/** The path of a URL without its query string. */
export function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
