<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

// phpcs:disable Magento2.Functions.StaticFunction -- a constructor by name, which refuses what is no invitation.

/**
 * What a merchant pastes to connect the shop: the server's address, and a code that works once. It makes of them the
 * addresses that Magento is given for the integration.
 */
class Invitation
{
    /**
     * @param string $server the server's address, without a trailing slash
     * @param string $code
     */
    private function __construct(public readonly string $server, private readonly string $code)
    {
    }

    /**
     * Reads what was pasted.
     *
     * @param string $server
     * @param string $code
     * @return self
     * @throws \InvalidArgumentException which says what is wrong, and what mends it
     */
    public static function read(string $server, string $code): self
    {
        $server = trim($server);
        if ($server !== '' && !str_contains($server, '://')) {
            $server = 'https://' . $server;
        }
        $server = rtrim($server, '/');
        // phpcs:ignore Magento2.Functions.DiscouragedFunction -- it reads no more than a string.
        $part = parse_url($server);
        $plain = is_array($part) && !empty($part['host'])
            && !array_diff(array_keys($part), ['scheme', 'host', 'port'])
            && in_array($part['scheme'], ['https', 'http'], true);
        if (!$plain) {
            throw new \InvalidArgumentException(
                'The server address is a scheme and a host, such as https://upline.example.com.'
            );
        }
        if ($part['scheme'] === 'http' && !self::isNear($part['host'])) {
            throw new \InvalidArgumentException(
                'The server address has to begin with https://: what is sent there must not be read on the way.'
            );
        }
        $code = (string) preg_replace('/\s+/', '', $code);
        if (preg_match('/^[A-Za-z0-9_-]{43}$/D', $code) !== 1) {
            throw new \InvalidArgumentException(
                'This is no code of Upline: it has 43 letters, digits, "-" and "_". '
                . 'Copy it whole, from Stores in Upline.'
            );
        }
        return new self($server, $code);
    }

    /**
     * Where Magento posts the keys of the integration.
     *
     * @param string $installId
     * @param int $websiteId
     * @return string
     */
    public function endpoint(string $installId, int $websiteId): string
    {
        return $this->server . '/install/magento/' . $this->code . '?install_id=' . rawurlencode($installId)
            . '&website_id=' . $websiteId;
    }

    /**
     * Where Magento sends an admin who activates the integration in its own list.
     *
     * @return string
     */
    public function identityLink(): string
    {
        return $this->server . '/connect/magento/identity';
    }

    /**
     * Whether a host is this machine or the own network, where things are tried out without https.
     *
     * @param string $host
     * @return bool
     */
    private static function isNear(string $host): bool
    {
        $host = strtolower(trim($host, '[]'));
        if (filter_var($host, FILTER_VALIDATE_IP) !== false) {
            $public = FILTER_FLAG_NO_PRIV_RANGE | FILTER_FLAG_NO_RES_RANGE;
            return filter_var($host, FILTER_VALIDATE_IP, $public) === false;
        }
        return $host === 'localhost' || preg_match('/\.(localhost|test|local|internal)$/D', $host) === 1;
    }
}
