<?php
/**
 * What runs when.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Starts the parts. A fault of ours may never cost a sale: every callback of the shop runs through guard().
 */
final class Plugin {

	/**
	 * Registers everything, once WooCommerce is there.
	 */
	public static function start(): void {
		Install::watch_sites();
		if ( ! class_exists( 'WooCommerce' ) ) {
			return;
		}
		Install::upgrade();
		Rest::register();
		Sweep::register();
		Attribution::register();
		Account::register();
		Privacy::register();
		Health::register();
		if ( Connection::is_connected() ) {
			Watch::register();
		}
		if ( is_admin() ) {
			Settings::register();
			Connect::register();
			Order_Box::register();
		}
		if ( defined( 'WP_CLI' ) && WP_CLI ) {
			\WP_CLI::add_command( 'upline', Cli::class );
		}
	}

	/**
	 * A callback that cannot throw. A filter's first argument is returned when ours fails.
	 *
	 * @param callable $callback What to call.
	 * @return callable
	 */
	public static function guard( callable $callback ): callable {
		return static function ( ...$arguments ) use ( $callback ) {
			try {
				return $callback( ...$arguments );
			} catch ( \Throwable $fault ) {
				self::$faults[] = $fault->getMessage();
				return $arguments[0] ?? null;
			}
		};
	}

	/**
	 * What went wrong in this request, for the tests and the status page.
	 *
	 * @var string[]
	 */
	public static $faults = array();
}
