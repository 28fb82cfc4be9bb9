// Puts a WordPress together in a folder, with its database in a file, and runs it and the server for a test.
//
// WordPress is the one that an npm package carries, the plugin is the packed zip, and the shop is the stand-in of ./double.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../.ci/node/port.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const top = join(here, "../../..");
const builds = dirname(createRequire(import.meta.url).resolve("@wp-playground/wordpress-builds/package.json"));
export const admin = { user: "admin", password: "a-password-of-the-tests-alone" };

const php = (code, ...args) => execFileSync("php", ["-d", "display_errors=stderr", "-r", code, ...args], { encoding: "utf8" });
const unpack = (zip, to) => php("(new PharData($argv[1]))->extractTo($argv[2], null, true);", zip, to);

async function until(what, check) {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not happen in a minute`);
}

const config = (folder, url) => `<?php
define( 'DB_NAME', 'shop' ); define( 'DB_USER', '' ); define( 'DB_PASSWORD', '' ); define( 'DB_HOST', '' );
define( 'DB_CHARSET', 'utf8mb4' ); define( 'DB_COLLATE', '' ); define( 'DB_DIR', ${JSON.stringify(`${folder}/database/`)} );
foreach ( array( 'AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT' ) as $name ) { define( $name, 'of the tests ' . $name ); }
$table_prefix = 'wp_';
define( 'WP_HOME', ${JSON.stringify(url)} ); define( 'WP_SITEURL', ${JSON.stringify(url)} );
define( 'WP_DEBUG', true ); define( 'WP_DEBUG_DISPLAY', false ); define( 'WP_DEBUG_LOG', ${JSON.stringify(`${folder}/debug.log`)} );
define( 'WP_HTTP_BLOCK_EXTERNAL', true ); define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1' ); define( 'DISABLE_WP_CRON', true );
if ( ! defined( 'ABSPATH' ) ) { define( 'ABSPATH', __DIR__ . '/' ); }
require_once ABSPATH . 'wp-settings.php';
`;

// Files are served as they are; everything else is WordPress's.
const router = `<?php
$path = __DIR__ . '/wp' . parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH );
if ( is_dir( $path ) && is_file( rtrim( $path, '/' ) . '/index.php' ) ) { $path = rtrim( $path, '/' ) . '/index.php'; }
if ( is_file( $path ) && '.php' !== substr( $path, -4 ) ) { return false; }
$script = is_file( $path ) ? $path : __DIR__ . '/wp/index.php';
$_SERVER['SCRIPT_FILENAME'] = $script; $_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = substr( $script, strlen( __DIR__ . '/wp' ) );
chdir( dirname( $script ) );
require $script;
`;

const install = `<?php
define( 'WP_INSTALLING', true );
$_SERVER['HTTP_HOST'] = '127.0.0.1'; $_SERVER['REQUEST_URI'] = '/';
require __DIR__ . '/wp/wp-load.php'; require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install( 'Shop', '${admin.user}', 'admin@example.org', true, '', '${admin.password}' );
update_option( 'permalink_structure', '/%postname%/' );
`;

const activate = `<?php
$_SERVER['HTTP_HOST'] = '127.0.0.1'; $_SERVER['REQUEST_URI'] = '/';
require __DIR__ . '/wp/wp-load.php'; require_once ABSPATH . 'wp-admin/includes/plugin.php';
foreach ( array( 'woocommerce/woocommerce.php', 'upline-for-woocommerce/upline-for-woocommerce.php' ) as $name ) {
	$failed = activate_plugin( $name ); if ( is_wp_error( $failed ) ) { fwrite( STDERR, $failed->get_error_message() ); exit( 1 ); }
}
flush_rewrite_rules(); echo get_bloginfo( 'version' );
`;

function assemble(folder, url) {
  const wp = join(folder, "wp");
  mkdirSync(wp);
  unpack(join(builds, "src/wordpress/wp-nightly.zip"), wp);
  cpSync(join(builds, "public/wp-nightly"), wp, { recursive: true }); // styles and scripts, which the zip leaves out
  const plugins = join(wp, "wp-content/plugins");
  unpack(join(builds, "src/sqlite-database-integration/sqlite-database-integration.zip"), folder);
  cpSync(join(folder, "sqlite-database-integration-main"), join(plugins, "sqlite-database-integration"), { recursive: true });
  cpSync(join(plugins, "sqlite-database-integration/db.copy"), join(wp, "wp-content/db.php"));
  unpack(join(top, "dist/upline-for-woocommerce.zip"), plugins);
  cpSync(join(here, "double"), join(plugins, "woocommerce"), { recursive: true });
  writeFileSync(join(wp, "wp-config.php"), config(folder, url));
  for (const [name, text] of Object.entries({ "router.php": router, "install.php": install, "activate.php": activate })) writeFileSync(join(folder, name), text);
  execFileSync("php", ["-d", "sendmail_path=/bin/true", join(folder, "install.php")], { stdio: ["ignore", "ignore", "inherit"] });
  return execFileSync("php", [join(folder, "activate.php")], { encoding: "utf8" }).trim();
}

async function end(child) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await gone;
}

// openStore gives {url, server, version, cli, act, setupLink, debugLog, serverLog, startServer, stopServer, close}.
export async function openStore() {
  const folder = mkdtempSync(join(tmpdir(), "upline-store-"));
  const url = `http://127.0.0.1:${await freePort()}`;
  const server = `http://127.0.0.1:${await freePort()}`;
  const binary = process.env.UPLINE_BINARY || join(top, "bin/upline");
  const env = { ...process.env, UPLINE_DATA: join(folder, "data"), UPLINE_ADDR: server.slice(7), DATABASE_URL: "", UPLINE_PUBLIC_URL: server, UPLINE_TEST_LOOPBACK_SHOPS: "true" };
  const cli = (...args) => execFileSync(binary, args, { env, encoding: "utf8", cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const log = openSync(join(folder, "upline.log"), "a");
  let upline;
  const startServer = async () => {
    upline = spawn(binary, ["serve"], { env, cwd: folder, stdio: ["ignore", log, log] });
    await until("the server's start", () => fetch(`${server}/readyz`).then((r) => r.ok, () => false));
  };
  const version = assemble(folder, url);
  // Several workers: the shop calls itself.
  const shop = spawn("php", ["-S", url.slice(7), "-t", join(folder, "wp"), join(folder, "router.php")], { cwd: folder, env: { ...process.env, PHP_CLI_SERVER_WORKERS: "4" }, stdio: "ignore" });
  const close = async () => {
    const workers = execFileSync("pgrep", ["-P", String(shop.pid)], { encoding: "utf8" }).trim().split("\n");
    for (const pid of workers) process.kill(Number(pid), "SIGTERM"); // they outlive their master
    await end(shop);
    await end(upline);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const act = async (what, members = {}) => {
    const answer = await fetch(`${url}/wp-json/store/v1/act`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ act: what, ...members }) });
    if (!answer.ok) throw new Error(`${what}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  try {
    cli("admin", "program", "create", "Lab", "--currency", "EUR");
    cli("import", "distributors", join(top, "docs/samples/people.csv"), "--commit");
    writeFileSync(join(folder, "skus.csv"), "platform,platform_sku,commission_class\nwoocommerce,TEA-12,a\nwoocommerce,SERUM-30,a\n");
    cli("import", "skus", "skus.csv", "--commit");
    cli("plan", "publish", join(top, "server/planfile/plans/retail-unilevel.yaml"));
    await startServer();
    await until("the shop's start", () => fetch(`${url}/wp-json/`).then((r) => r.ok, () => false));
  } catch (error) {
    await close();
    throw error;
  }
  // setupLink is where the first owner is made.
  const setupLink = () => /http:\S+\/setup#\S+/.exec(cli("admin", "person", "setup"))[0];
  const text = (file) => { try { return readFileSync(join(folder, file), "utf8"); } catch { return ""; } };
  // debugLog is what PHP complained of, serverLog what the server said.
  const debugLog = () => text("debug.log");
  const serverLog = () => text("upline.log");
  return { url, server, version, cli, act, setupLink, debugLog, serverLog, startServer, stopServer: () => end(upline), close };
}
