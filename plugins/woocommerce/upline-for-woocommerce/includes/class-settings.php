<?php
/**
 * The settings tab.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * WooCommerce > Settings > Upline: registers the tab and does what its buttons ask for.
 */
final class Settings {

	/**
	 * Registers the tab.
	 */
	public static function register(): void {
		add_filter(
			'woocommerce_get_settings_pages',
			static function ( $pages ) {
				$pages[] = new Settings_Page();
				return $pages;
			}
		);
		// Our buttons are not named "save": WooCommerce would let them pass by. It checks its nonce after this.
		$ours = static function ( $save ) {
			return $save || ! empty( $_POST['upline_do'] ); // phpcs:ignore WordPress.Security.NonceVerification.Missing
		};
		add_filter( 'woocommerce_save_settings_upline', $ours );
		add_filter( 'woocommerce_save_settings_upline_queue', $ours );
		add_filter( 'woocommerce_save_settings_upline_attribution', $ours );
		add_filter( 'plugin_action_links_' . plugin_basename( FILE ), array( self::class, 'links' ) );
		add_action( 'admin_notices', array( self::class, 'notices' ) );
		add_action( 'admin_enqueue_scripts', array( self::class, 'assets' ) );
		add_action( 'admin_post_upline_open', array( self::class, 'open' ) );
	}

	/**
	 * Address of the tab.
	 *
	 * @param string $section Section.
	 * @return string
	 */
	public static function url( string $section = '' ): string {
		return admin_url( 'admin.php?page=wc-settings&tab=upline' . ( '' === $section ? '' : '&section=' . $section ) );
	}

	/**
	 * A link in the list of plugins.
	 *
	 * @param array $links Links.
	 * @return array
	 */
	public static function links( $links ) {
		array_unshift( $links, '<a href="' . esc_url( self::url() ) . '">' . esc_html__( 'Settings', 'upline-for-woocommerce' ) . '</a>' );
		return $links;
	}

	/**
	 * Says something on the next page this user sees.
	 *
	 * @param string $text Sentence.
	 * @param bool   $good Whether it is good news.
	 */
	public static function say( string $text, bool $good = true ): void {
		set_transient( 'upline_said_' . get_current_user_id(), array( $text, $good ), MINUTE_IN_SECONDS );
	}

	/**
	 * Notices: the answer to a button, and what an admin has to decide. Nothing else.
	 */
	public static function notices(): void {
		$screen = get_current_screen();
		$ours   = $screen && false !== strpos( $screen->id, 'wc-settings' );
		$said   = $ours ? get_transient( 'upline_said_' . get_current_user_id() ) : false;
		if ( is_array( $said ) ) {
			delete_transient( 'upline_said_' . get_current_user_id() );
			printf( '<div class="notice notice-%s is-dismissible"><p>%s</p></div>', $said[1] ? 'success' : 'error', esc_html( $said[0] ) );
		}
		if ( ! current_user_can( Connect::CAPABILITY ) ) {
			return;
		}
		$shop = $ours || ( $screen && in_array( $screen->id, array( 'dashboard', 'plugins', wc_get_page_screen_id( 'shop-order' ) ), true ) );
		if ( $shop && '' !== self::alarm() ) {
			printf( '<div class="notice notice-error"><p><strong>Upline:</strong> %s <a href="%s">%s</a></p></div>', esc_html( self::alarm() ), esc_url( self::url() ), esc_html__( 'Open the status', 'upline-for-woocommerce' ) );
		}
	}

	/**
	 * What an admin has to know, or ''.
	 */
	public static function alarm(): string {
		$hindrance = Connection::hindrance();
		$reason    = (string) Connection::state( 'pause_reason' );
		if ( 'another_site' === $hindrance || 'another_site' === $reason ) {
			if ( ! Connection::is_elsewhere() ) {
				/* translators: %s: what the server said */
				return sprintf( __( 'the server knows another site as this shop (%s). Nothing is sent until you say whether this is a copy or has moved.', 'upline-for-woocommerce' ), (string) Connection::state( 'last_error' ) );
			}
			/* translators: %s: address */
			return sprintf( __( 'this site was connected as %s and is now somewhere else. Nothing is sent until you say whether it is a copy or has moved.', 'upline-for-woocommerce' ), Connection::site() );
		}
		if ( 'paused' === $hindrance && 'unknown' === $reason ) {
			return __( 'the server does not know this shop any more. Orders are kept; connect again to send them.', 'upline-for-woocommerce' );
		}
		if ( ! Connection::is_connected() ) {
			return '';
		}
		$depth = Outbox::depth();
		if ( $depth['failed'] > 0 ) {
			/* translators: %d: how many */
			return sprintf( _n( '%d change was refused by Upline; the queue says why. It is kept, and tried once a day.', '%d changes were refused by Upline; the queue says why. They are kept, and tried once a day.', $depth['failed'], 'upline-for-woocommerce' ), $depth['failed'] );
		}
		if ( Outbox::is_late( $depth ) ) {
			/* translators: %d: how many */
			return sprintf( _n( '%d change has been waiting for more than 15 minutes. Nothing is lost; it is sent as soon as Upline answers.', '%d changes have been waiting, the oldest for more than 15 minutes. Nothing is lost; they are sent as soon as Upline answers.', $depth['depth'], 'upline-for-woocommerce' ), $depth['depth'] );
		}
		return '';
	}

	/**
	 * Styles of the tab and the order screen.
	 *
	 * @param string $hook Page.
	 */
	public static function assets( $hook ): void {
		// phpcs:ignore WordPress.Security.NonceVerification.Recommended -- only decides whether a style is loaded.
		$tab    = isset( $_GET['tab'] ) ? sanitize_key( wp_unslash( $_GET['tab'] ) ) : '';
		$screen = get_current_screen();
		$order  = $screen && wc_get_page_screen_id( 'shop-order' ) === $screen->id;
		if ( ( 'woocommerce_page_wc-settings' === $hook && 'upline' === $tab ) || $order ) {
			wp_enqueue_style( 'upline-admin', plugins_url( 'assets/admin.css', FILE ), array(), VERSION );
		}
	}

	/**
	 * What a button of the tab asks for. WooCommerce has checked its nonce; the capability is checked here.
	 *
	 * @param string $what   The button.
	 * @param array  $fields What was typed, unslashed.
	 */
	public static function act( string $what, array $fields ): void {
		if ( ! current_user_can( Connect::CAPABILITY ) ) {
			return;
		}
		$name   = 0 === strpos( $what, 'retry:' ) ? 'retry' : $what;
		$method = array(
			'connect'       => 'act_connect',
			'code'          => 'act_code',
			'disconnect'    => 'act_disconnect',
			'copy'          => 'act_copy',
			'rotate'        => 'act_rotate',
			'test'          => 'act_test',
			'retry'         => 'act_retry',
			'backfill'      => 'act_backfill',
			'stop_backfill' => 'act_stop_backfill',
			'coupons'       => 'act_coupons',
		)[ $name ] ?? '';
		if ( '' !== $method ) {
			self::$method( $fields, $what );
		}
	}

	/**
	 * Connect by the browser.
	 *
	 * @param array $fields What was typed.
	 */
	private static function act_connect( array $fields ): void {
		$server = Connect::server( (string) ( $fields['upline_server'] ?? '' ) );
		if ( '' === $server ) {
			self::say( __( 'The address of the server has to be like https://upline.example.com.', 'upline-for-woocommerce' ), false );
			return;
		}
		update_option( 'upline_server', $server, false );
		Connect::begin( $server );
	}

	/**
	 * Connect by a code.
	 *
	 * @param array $fields What was typed.
	 */
	private static function act_code( array $fields ): void {
		$server = Connect::server( (string) ( $fields['upline_server'] ?? '' ) );
		$code   = trim( (string) ( $fields['upline_code'] ?? '' ) );
		if ( '' === $server || '' === $code ) {
			self::say( __( 'Both are needed: the address of the server and a code.', 'upline-for-woocommerce' ), false );
			return;
		}
		update_option( 'upline_server', $server, false );
		$said = Connect::claim( $server, $code );
		self::say( '' === $said ? __( 'Connected. From now on Upline is told of every order.', 'upline-for-woocommerce' ) : $said, '' === $said );
	}

	/**
	 * Disconnect.
	 */
	private static function act_disconnect(): void {
		Connect::part();
		self::say( __( 'Disconnected. What was told stays at Upline.', 'upline-for-woocommerce' ) );
	}

	/**
	 * This site is a copy.
	 */
	private static function act_copy(): void {
		Connect::part( false );
		self::say( __( 'This copy is not connected any more; the original is as it was.', 'upline-for-woocommerce' ) );
	}

	/**
	 * A new secret.
	 */
	private static function act_rotate(): void {
		$said = Connect::rotate();
		self::say( '' === $said ? __( 'The secret is new. The old one counts until the next time.', 'upline-for-woocommerce' ) : $said, '' === $said );
	}

	/**
	 * Ask the server how it is.
	 */
	private static function act_test(): void {
		$answer = Client::call( 'heartbeat', Sweep::condition(), 10.0 );
		if ( 200 === $answer['status'] ) {
			Sweep::heartbeat();
			self::say( __( 'Upline was reached, and the signature fits.', 'upline-for-woocommerce' ) );
			return;
		}
		self::say( Connect::reason( $answer ), false );
	}

	/**
	 * Send now what waits.
	 *
	 * @param array  $fields What was typed.
	 * @param string $what   retry:0 or retry:row.
	 */
	private static function act_retry( array $fields, string $what ): void {
		$count = Outbox::retry( (int) substr( $what, 6 ) );
		Connection::remember(
			array(
				'circuit_until' => null,
				'paused_until'  => null,
				'pause_reason'  => null,
			)
		);
		Sweep::run();
		$left = Outbox::depth()['depth'];
		/* translators: 1: how many were tried, 2: how many wait still */
		self::say( sprintf( __( 'Tried again: %1$d. Waiting still: %2$d.', 'upline-for-woocommerce' ), $count, $left ), 0 === $left );
	}

	/**
	 * Tell of past orders.
	 *
	 * @param array $fields What was typed.
	 */
	private static function act_backfill( array $fields ): void {
		$zone = wp_timezone();
		$from = date_create_immutable( (string) ( $fields['upline_from'] ?? '' ), $zone );
		$to   = date_create_immutable( (string) ( $fields['upline_to'] ?? '' ), $zone );
		if ( ! $from || ! $to || $to < $from || empty( $fields['upline_from'] ) || empty( $fields['upline_to'] ) ) {
			self::say( __( 'Choose the first and the last day.', 'upline-for-woocommerce' ), false );
			return;
		}
		$state = Backfill::start( $from->getTimestamp(), $to->modify( '+1 day' )->getTimestamp() );
		/* translators: %d: how many */
		self::say( sprintf( _n( '%d order of these days is being told.', '%d orders of these days are being told.', $state['total'], 'upline-for-woocommerce' ), $state['total'] ) );
	}

	/**
	 * Stop that.
	 */
	private static function act_stop_backfill(): void {
		Backfill::stop();
	}

	/**
	 * Fetch the coupons.
	 */
	private static function act_coupons(): void {
		$said = Coupons::sync();
		self::say( $said['error'] ? $said['error'] : sprintf( /* translators: 1: how many new, 2: how many ended */ __( 'Coupons: %1$d new, %2$d ended.', 'upline-for-woocommerce' ), $said['made'], $said['ended'] ), ! $said['error'] );
	}

	/**
	 * Opens Upline as the person who is signed in here, by a code that works once.
	 */
	public static function open(): void {
		check_admin_referer( 'upline_open' );
		if ( ! current_user_can( Connect::CAPABILITY ) ) {
			wp_die( esc_html__( 'You may not do this.', 'upline-for-woocommerce' ), '', array( 'response' => 403 ) );
		}
		$next = isset( $_GET['next'] ) ? sanitize_text_field( wp_unslash( $_GET['next'] ) ) : '/';
		self::jump( 'merchant', array( 'next' => $next ) );
	}

	/**
	 * Asks for a deep link and sends the browser there.
	 *
	 * @param string $audience merchant or distributor.
	 * @param array  $request  More of the call.
	 */
	public static function jump( string $audience, array $request ): void {
		$request = array_merge(
			array(
				'audience'       => $audience,
				'user_id'        => (string) get_current_user_id(),
				'customer_id'    => (string) get_current_user_id(),
				'distributor_id' => Account::distributor_of( get_current_user_id() ),
				'next'           => '/',
			),
			$request
		);
		$answer  = Client::call( 'sso', $request );
		$url     = (string) ( $answer['data']['url'] ?? '' );
		if ( 200 !== $answer['status'] || 0 !== strpos( $url, Connection::get( 'server' ) . '/' ) ) {
			wp_die( esc_html( Connect::reason( $answer ) ), esc_html__( 'Upline', 'upline-for-woocommerce' ), array( 'back_link' => true ) );
		}
		nocache_headers();
		header( 'Cache-Control: no-store' );
		header( 'Referrer-Policy: no-referrer' );
		wp_redirect( $url ); // phpcs:ignore WordPress.Security.SafeRedirect.wp_redirect_wp_redirect -- another host is the point; it was checked above.
		exit;
	}
}
