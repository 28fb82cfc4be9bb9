<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

// phpcs:disable Magento2.Functions.StaticFunction -- what an answer means is the protocol's: no plugin may change it.

/**
 * What the server's answer means for a row of the outbox.
 */
class Answer
{
    /** Delivered: the server has it on disk. */
    public const SENT = 'sent';

    /** It mends itself: again later, for ever. */
    public const LATER = 'later';

    /** Our clock is off: take over the server's time and repeat at once. */
    public const CLOCK = 'clock';

    /** The secret does not fit, or the store was disconnected at Upline: the connection rests. */
    public const UNKNOWN = 'unknown';

    /** This site is not the one that was connected: nothing more is sent from it. */
    public const ANOTHER_SITE = 'another_site';

    /** The server cannot take the body: parked with its words. */
    public const REFUSED = 'refused';

    /** Longest sentence that is kept, in bytes. */
    private const SENTENCE = 240;

    /**
     * The decision by docs/plugin-protocol.md, section 2.
     *
     * @param int $status HTTP status; 0 when no answer came
     * @param string $field the "field" of the problem document, or ''
     * @return string one of the constants
     */
    public static function decide(int $status, string $field = ''): string
    {
        if ($status === 401) {
            return $field === 'webhook-timestamp' ? self::CLOCK : self::UNKNOWN;
        }
        if ($status === 403 && $field === 'site') {
            return self::ANOTHER_SITE;
        }
        return match ($status) {
            200 => self::SENT,
            403, 404, 405, 410 => self::UNKNOWN,
            400, 413, 422 => self::REFUSED,
            // Redirects are never followed, and a 204 is a proxy's: neither is an answer of an Upline server.
            default => self::LATER,
        };
    }

    /**
     * A sentence for the merchant: what happened.
     *
     * @param int $status HTTP status; 0 when no answer came
     * @param string $detail the server's own sentence, or the transport's error
     * @return string plain text, at most 240 bytes
     */
    public static function sentence(int $status, string $detail): string
    {
        $detail = trim((string) preg_replace('/\s+/', ' ', strip_tags(self::utf8($detail))));
        $text = $status === 0 ? 'no answer: ' . $detail : $status . ($detail === '' ? '' : ': ' . $detail);
        return self::cut($text, self::SENTENCE);
    }

    /**
     * Text of at most so many bytes, cut before a character and never within one.
     *
     * @param string $text UTF-8
     * @param int $bytes most
     * @return string
     */
    public static function cut(string $text, int $bytes): string
    {
        $text = self::utf8($text);
        return strlen($text) <= $bytes
            ? $text
            : (string) preg_replace('/[\xC0-\xFD]?[\x80-\xBF]*$/D', '', substr($text, 0, $bytes));
    }

    /**
     * The text, with "?" where it is no UTF-8: the database would refuse it.
     *
     * @param string $text any bytes
     * @return string
     */
    private static function utf8(string $text): string
    {
        return preg_match('//u', $text) === 1 ? $text : (string) preg_replace('/[^\x20-\x7e]/', '?', $text);
    }
}
