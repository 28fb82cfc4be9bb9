<?php
/**
 * What the server's answer means for a row of the outbox.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce\Logic;

defined( 'ABSPATH' ) || exit;

/**
 * Turns a status code into a decision.
 */
final class Answer {

	/**
	 * Delivered: the server has it on disk.
	 */
	const SENT = 'sent';

	/**
	 * It mends itself: again later, for ever.
	 */
	const LATER = 'later';

	/**
	 * Our clock is off: take over the server's time and repeat at once.
	 */
	const CLOCK = 'clock';

	/**
	 * The secret does not fit, or the store was disconnected at Upline: nothing goes before an admin connects again.
	 */
	const UNKNOWN = 'unknown';

	/**
	 * This site is not the one that was connected: nothing more is sent from it.
	 */
	const ANOTHER_SITE = 'another_site';

	/**
	 * The body is larger than the server takes: again when the order changes.
	 */
	const TOO_LARGE = 'too_large';

	/**
	 * The body cannot be read: once a day, and after an update of the plugin.
	 */
	const REFUSED = 'refused';

	/**
	 * The decision by docs/plugin-protocol.md, section 2.
	 *
	 * @param int    $status HTTP status; 0 when no answer came.
	 * @param string $field  The "field" of the problem document, or ''.
	 * @return string One of the constants.
	 */
	public static function decide( int $status, string $field = '' ): string {
		if ( 401 === $status ) {
			return 'webhook-timestamp' === $field ? self::CLOCK : self::UNKNOWN;
		}
		if ( 403 === $status && 'site' === $field ) {
			return self::ANOTHER_SITE;
		}
		$known = array(
			200 => self::SENT,
			404 => self::UNKNOWN,
			405 => self::UNKNOWN,
			408 => self::LATER,
			409 => self::LATER,
			413 => self::TOO_LARGE,
			425 => self::LATER,
			429 => self::LATER,
		);
		if ( isset( $known[ $status ] ) ) {
			return $known[ $status ];
		}
		// What else is not a 4xx is no answer of an Upline server: redirects are never followed, and a 204 is a proxy's.
		return $status >= 400 && $status < 500 ? self::REFUSED : self::LATER;
	}

	/**
	 * Whether the answer to several events may be about one of them alone, so that the others are worth a try: bodies that are
	 * too large or cannot be read, and a fault of the server's own. What a proxy says of a server that is away (502, 503, 504)
	 * is about all.
	 *
	 * @param int    $status HTTP status; 0 when no answer came.
	 * @param string $field  The "field" of the problem document, or ''.
	 * @return bool
	 */
	public static function is_about_one( int $status, string $field = '' ): bool {
		return 500 === $status || in_array( self::decide( $status, $field ), array( self::TOO_LARGE, self::REFUSED ), true );
	}

	/**
	 * A sentence for the merchant: what happened and what mends it.
	 *
	 * @param int    $status  HTTP status; 0 when no answer came.
	 * @param string $detail  The server's own sentence, or the transport's error.
	 * @return string Plain text, at most 240 bytes.
	 */
	public static function sentence( int $status, string $detail ): string {
		$detail = trim( (string) preg_replace( '/\s+/', ' ', $detail ) );
		$text   = 0 === $status ? 'no answer: ' . $detail : $status . ( '' === $detail ? '' : ': ' . $detail );
		// Cut before a character, never within one: half a character is refused by the database.
		if ( strlen( $text ) > 240 ) {
			$text = (string) preg_replace( '/[\xC0-\xFD]?[\x80-\xBF]*$/', '', substr( $text, 0, 240 ) );
		}
		return $text;
	}
}
