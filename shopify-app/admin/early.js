// Runs in the page's head, before any other script is there: it asks for what the screen at this address will ask for, and
// loads its parts, so that one wait on the network follows the page instead of four. It is written into index.html, and the
// server lets this one text through its policy by its hash. What a screen asks for is said here once more; a test holds
// that nothing is asked for in vain.
(() => {
  const [, first, ...rest] = location.pathname.split('/'), query = new URLSearchParams(location.search);
  const kept = (place, name) => { try { return globalThis[place].getItem(name) ?? ''; } catch { return ''; } };
  const key = new URLSearchParams(location.hash.slice(1)).get('key') || kept('sessionStorage', 'upline.key');
  const list = (path, names, limit = 50) => {
    const given = names.map((name) => [name, query.get(name) ?? '']).filter(([, value]) => value);
    return `${path}?${new URLSearchParams([...given, ['limit', limit]])}`;
  };
  const whole = (path, names) => (query.get('from') || query.get('to') ? [] : [list(path, names)]); // days are told in the program's zone, which is not known yet
  const one = `/api/v1/${first}/${rest.join('/')}`;
  const views = '/api/v1/views';
  const asks = {
    '': () => ['/api/v1/standing', '/api/setup', list('/api/v1/orders', [], 10)],
    orders: () => (rest.length === 2 ? ['explanation', 'steps', 'facts'].map((part) => `${one}/${part}`)
      : [...whole('/api/v1/orders', ['settlement', 'store_id', 'reason_code', 'distributor_id', 'search', 'sort']), views]),
    distributors: () => (rest.length === 0 ? [list('/api/v1/distributors', ['search', 'status', 'rank', 'country', 'sort']), views, '/api/v1/plans'] : rest.length > 1 || rest[0] === 'import' ? []
      : [`${one}/profile`, `${one}/ranks`, `/api/v1/orders?distributor_id=${rest[0]}&limit=50`, `/api/mlm/commissions?referrer_id=${rest[0]}&limit=50`]),
    products: () => (rest.length > 0 ? ['/api/v1/mappings/rules'] : ['/api/v1/mappings/unmapped', list('/api/v1/mappings', ['search'])]),
    commissions: () => [...(query.get('show') === 'ledger' ? whole('/api/v1/ledger', ['order_id', 'distributor_id', 'kind'])
      : [list('/api/mlm/commissions', ['status', 'referrer_id', 'order_id'])]), views],
    deliveries: () => (rest.length === 0 ? [...whole('/api/v1/deliveries', ['status', 'store_id', 'platform_delivery_id', 'order_id']), views] : [one]),
    stores: () => ['/api/v1/stores', '/api/setup'],
    audit: () => [views],
  };
  const parts = globalThis.__PARTS__;
  const wanted = [kept('localStorage', 'upline.language'), query.get('locale') ?? '', ...navigator.languages].map((tag) => tag.split('-')[0]);
  const language = wanted.find((tag) => tag === 'en' || tag in parts.languages) ?? 'en';
  for (const href of [...parts.first, ...(parts.screens[rest.length > 0 ? `${first}/` : first] ?? parts.screens[first] ?? []), parts.languages[language]].filter(Boolean)) {
    document.head.append(Object.assign(document.createElement('link'), { rel: 'modulepreload', href }));
  }
  const begun = globalThis.begun = {}, proof = key ? { Authorization: `Bearer ${key}` } : {};
  for (const path of first in asks || first === 'settings' || first === 'audit' ? ['/api/v1/session', '/api/v1/overview', ...(asks[first]?.() ?? [])] : []) {
    begun[path] = fetch(path, { headers: { Accept: 'application/json', ...proof }, cache: 'no-store', credentials: key ? 'omit' : 'same-origin' });
    begun[path].catch(() => {});
  }
})();
