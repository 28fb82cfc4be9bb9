<?php
/**
 * Tables and schedules.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Makes what the plugin needs, per site of a network.
 */
final class Install {

	const SCHEMA = '2';

	/**
	 * On activation; network-wide every site makes its tables at its first request.
	 */
	public static function activate(): void {
		self::tables();
		Account::add_endpoint();
		flush_rewrite_rules( false );
	}

	/**
	 * On deactivation the outbox stays: it is what was not told yet.
	 */
	public static function deactivate(): void {
		if ( function_exists( 'as_unschedule_all_actions' ) ) {
			as_unschedule_all_actions( '', array(), Sweep::GROUP );
		}
	}

	/**
	 * On every request, one comparison; the rest after an update, or on a new site of a network.
	 */
	public static function upgrade(): void {
		if ( get_option( 'upline_schema' ) !== self::SCHEMA . '/' . VERSION ) {
			self::tables();
			Outbox::retry_refused();
			add_action( 'init', array( Sweep::class, 'ensure' ) );
		}
	}

	/**
	 * Where a site of a network is deleted, what it has not told yet is told first, and its tables go with it. The screen
	 * for that is the network's own, on which WooCommerce need not run.
	 */
	public static function watch_sites(): void {
		if ( is_multisite() ) {
			add_action( 'wp_uninitialize_site', Plugin::guard( array( self::class, 'site_goes' ) ), 1 );
			add_filter( 'wpmu_drop_tables', Plugin::guard( array( self::class, 'tables_of_site' ) ), 10, 2 );
		}
	}

	/**
	 * A site is about to be deleted.
	 *
	 * @param mixed $site Site.
	 */
	public static function site_goes( $site ): void {
		if ( ! $site instanceof \WP_Site ) {
			return;
		}
		switch_to_blog( (int) $site->blog_id );
		try {
			if ( Connection::is_connected() && ! Connection::is_elsewhere() ) {
				if ( class_exists( 'WooCommerce' ) ) {
					// There is no later for what waits.
					Connection::remember( array( 'circuit_until' => null ) );
					Outbox::retry();
					Sweep::run();
				}
				Client::call( 'disconnect', array( 'reason' => 'site_deleted' ), 10.0 );
			}
		} finally {
			restore_current_blog();
		}
	}

	/**
	 * The tables that are dropped with a site.
	 *
	 * @param mixed $tables  As WordPress lists them.
	 * @param mixed $site_id Site.
	 * @return mixed
	 */
	public static function tables_of_site( $tables, $site_id = 0 ) {
		switch_to_blog( (int) $site_id );
		$ours = array( Outbox::table(), Told::table() );
		restore_current_blog();
		return is_array( $tables ) ? array_merge( $tables, $ours ) : $tables;
	}

	/**
	 * Makes or changes the tables.
	 */
	private static function tables(): void {
		global $wpdb;
		require_once ABSPATH . 'wp-admin/includes/upgrade.php';
		$outbox  = Outbox::table();
		$orders  = Told::table();
		$collate = $wpdb->get_charset_collate();
		// dbDelta reads this: one column a line, two blanks after PRIMARY KEY.
		dbDelta(
			"CREATE TABLE $outbox (
			id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
			order_id bigint(20) unsigned NOT NULL,
			cause varchar(20) NOT NULL,
			state varchar(12) NOT NULL,
			event_id varchar(40) NOT NULL DEFAULT '',
			sequence bigint(20) unsigned NOT NULL DEFAULT 0,
			payload longtext NULL,
			attempts int(10) unsigned NOT NULL DEFAULT 0,
			due_at bigint(20) NOT NULL,
			created_at bigint(20) NOT NULL,
			sent_at bigint(20) NOT NULL DEFAULT 0,
			last_error varchar(255) NOT NULL DEFAULT '',
			noted tinyint(1) NOT NULL DEFAULT 0,
			PRIMARY KEY  (id),
			KEY state_due (state,due_at),
			KEY order_id (order_id)
			) $collate;
			CREATE TABLE $orders (
			order_id bigint(20) unsigned NOT NULL,
			sequence bigint(20) unsigned NOT NULL,
			event_id varchar(40) NOT NULL DEFAULT '',
			digest varchar(64) NOT NULL DEFAULT '',
			told_at bigint(20) NOT NULL DEFAULT 0,
			created_at bigint(20) NOT NULL DEFAULT 0,
			gone tinyint(1) NOT NULL DEFAULT 0,
			history longtext NULL,
			known longtext NULL,
			deleted_refunds longtext NULL,
			PRIMARY KEY  (order_id),
			KEY told_at (told_at)
			) $collate;"
		);
		// A shop that installs the plugin again must not count from 1 again: the server would take it for old news.
		add_option( 'upline_first_sequence', (string) time(), '', false );
		// An option that is not there costs every page a query.
		foreach ( Fields::defaults() as $name => $value ) {
			add_option( $name, $value, '', true );
		}
		add_option( Connection::FLAG, '', '', true );
		add_option( Connection::WORD, 'ref', '', true );
		add_option( Connection::STATE, array(), '', true );
		// WooCommerce makes the address of the My account tab known at the next page.
		update_option( 'woocommerce_queue_flush_rewrite_rules', 'yes' );
		update_option( 'upline_schema', self::SCHEMA . '/' . VERSION, true );
	}
}
