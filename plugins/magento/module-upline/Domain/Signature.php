<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

// phpcs:disable Magento2.Functions.StaticFunction -- pure: a signature that a plugin could change would be none.

/**
 * Signs and checks messages as Standard Webhooks do: HMAC-SHA256 over "id.timestamp.body".
 */
class Signature
{
    /**
     * How far the other side's clock may be off, in seconds.
     */
    public const TOLERANCE = 300;

    /**
     * The shape of a message id.
     */
    private const ID = '/^[A-Za-z0-9._-]{1,128}$/D';

    /**
     * The value of the webhook-signature header.
     *
     * @param string $secret the store's secret; its text is the key
     * @param string $id message id
     * @param int $timestamp Unix seconds
     * @param string $body the bytes sent
     * @return string
     */
    public static function sign(string $secret, string $id, int $timestamp, string $body): string
    {
        return 'v1,' . base64_encode(hash_hmac('sha256', $id . '.' . $timestamp . '.' . $body, $secret, true));
    }

    /**
     * The three headers of a message.
     *
     * @param string $secret the store's secret
     * @param string $id message id
     * @param int $timestamp Unix seconds
     * @param string $body the bytes sent
     * @return array<string, string>
     */
    public static function headers(string $secret, string $id, int $timestamp, string $body): array
    {
        return [
            'webhook-id' => $id,
            'webhook-timestamp' => (string) $timestamp,
            'webhook-signature' => self::sign($secret, $id, $timestamp, $body),
        ];
    }

    /**
     * Why a message is refused, or '' when it is genuine.
     *
     * @param string[] $secrets the secrets that count, newest first
     * @param string $id the webhook-id header
     * @param string $timestamp the webhook-timestamp header
     * @param string $signature the webhook-signature header: one or more "v1,..." parted by blanks
     * @param string $body the bytes received
     * @param int $now Unix seconds
     * @return string '', 'malformed', 'clock' or 'signature'
     */
    public static function fault(
        array $secrets,
        string $id,
        string $timestamp,
        string $signature,
        string $body,
        int $now
    ): string {
        $wellFormed = preg_match(self::ID, $id) === 1
            && preg_match('/^\d{1,12}$/D', $timestamp) === 1
            && strlen($signature) <= 1024;
        if (!$wellFormed) {
            return 'malformed';
        }
        $genuine = false;
        foreach ($secrets as $secret) {
            if ($secret === '') {
                continue; // Anyone can sign with the empty key.
            }
            $wanted = self::sign($secret, $id, (int) $timestamp, $body);
            foreach (explode(' ', $signature) as $given) {
                $genuine = hash_equals($wanted, $given) || $genuine;
            }
        }
        if (!$genuine) {
            return 'signature';
        }
        return abs($now - (int) $timestamp) > self::TOLERANCE ? 'clock' : '';
    }
}
