<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

// phpcs:disable Magento2.Functions.StaticFunction -- pure: what counts as a code is the protocol's.

/**
 * References: which distributor sent a visitor. The cookie is written by the script of the page, so that pages can come
 * from a cache; what it says is checked here, and decided on by the server.
 */
class Reference
{
    public const COOKIE = 'upline_ref';

    /**
     * A longer code is nobody's, and a longer cookie not ours.
     */
    private const CODE = '/^[\p{L}\p{N}][\p{L}\p{N}._~+\-]{0,63}$/uD';
    private const COOKIE_BYTES = 2048;
    private const PATH = 200;

    /**
     * The code as it may be kept, or '' where it has not the shape of one. The server compares without regard to case.
     *
     * @param mixed $code what came in an address, a form, a call or a cookie
     * @return string
     */
    public static function clean(mixed $code): string
    {
        $code = is_string($code) ? trim($code) : '';
        return preg_match(self::CODE, $code) === 1 ? $code : '';
    }

    /**
     * The visits in a cookie: {"f": [code, Unix seconds, path], "l": [...]}, first and last.
     *
     * @param mixed $cookie as received
     * @param int $now Unix seconds
     * @param int $window how long a visit counts, in seconds
     * @return array{
     *     first?: array{ref: string, at: int, path: string},
     *     last?: array{ref: string, at: int, path: string}
     * }
     */
    public static function open(mixed $cookie, int $now, int $window): array
    {
        if (!is_string($cookie) || strlen($cookie) > self::COOKIE_BYTES) {
            return [];
        }
        $told = json_decode($cookie, true);
        $touches = [];
        foreach (['first' => 'f', 'last' => 'l'] as $name => $short) {
            $touch = self::touch(is_array($told) ? $told[$short] ?? null : null, $now, $window);
            if ($touch !== null) {
                $touches[$name] = $touch;
            }
        }
        return $touches;
    }

    /**
     * The touches that are told, by the shop's setting: of "first" the first alone.
     *
     * @param array<string, array{ref: string, at: int, path: string}> $touches as from open()
     * @param string $setting "first" or "last"
     * @return array<string, array{ref: string, at: int, path: string}>
     */
    public static function counted(array $touches, string $setting): array
    {
        if ($setting === 'first' && isset($touches['first'])) {
            return ['first' => $touches['first']];
        }
        return $touches;
    }

    /**
     * One visit, where it can be one and is not too old.
     *
     * @param mixed $touch [code, Unix seconds, path]
     * @param int $now
     * @param int $window
     * @return array{ref: string, at: int, path: string}|null
     */
    private static function touch(mixed $touch, int $now, int $window): ?array
    {
        if (!is_array($touch) || !isset($touch[0], $touch[1]) || !is_int($touch[1])) {
            return null;
        }
        $ref = self::clean($touch[0]);
        if ($ref === '' || $touch[1] > $now + 86400 || $touch[1] < 0 || $touch[1] + $window < $now) {
            return null; // A visitor's clock may be off by a time zone, not by more.
        }
        return ['ref' => $ref, 'at' => min($touch[1], $now), 'path' => self::path($touch[2] ?? '')];
    }

    /**
     * The path of a landing page, shortened; a query may hold anything and is left out.
     *
     * @param mixed $path
     * @return string
     */
    private static function path(mixed $path): string
    {
        $path = is_string($path) ? (string) strtok($path, '?#') : '';
        return substr((string) preg_replace('/[^\x21-\x7e]/', '', $path), 0, self::PATH);
    }
}
