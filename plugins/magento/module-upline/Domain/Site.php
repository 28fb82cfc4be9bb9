<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

// phpcs:disable Magento2.Functions.StaticFunction -- pure: whether two sites are one must not depend on plugins.

/**
 * Tells the connected site from a copy of it: a staging copy has the same database, and must not send as production.
 */
class Site
{
    /**
     * The address in the form in which two are compared: the scheme does not tell a site from its copy, host, port and
     * path do.
     *
     * @param string $url base URL
     * @return string for example "shop.example.com/de"; '' for what is no address
     */
    public static function name(string $url): string
    {
        // phpcs:ignore Magento2.Functions.DiscouragedFunction -- it reads no more than a string.
        $part = parse_url(trim($url));
        if (!is_array($part) || empty($part['host'])) {
            return '';
        }
        $port = isset($part['port']) && !in_array($part['port'], [80, 443], true) ? ':' . $part['port'] : '';
        $path = preg_replace('#/(index\.php/?)?$#', '', $part['path'] ?? '');
        return strtolower($part['host']) . $port . $path;
    }

    /**
     * Whether both addresses are the same site. An address that cannot be read is no site's.
     *
     * @param string $connected the address that was connected
     * @param string $now the address as it is now
     * @return bool
     */
    public static function same(string $connected, string $now): bool
    {
        return self::name($connected) !== '' && self::name($connected) === self::name($now);
    }

    /**
     * The address as the protocol writes it: without a trailing slash.
     *
     * @param string $url base URL
     * @return string
     */
    public static function told(string $url): string
    {
        return (string) preg_replace('#/(index\.php/?)?$#', '', trim($url));
    }
}
