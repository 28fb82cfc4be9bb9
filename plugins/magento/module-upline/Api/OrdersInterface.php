<?php

declare(strict_types=1);

namespace Upline\Commission\Api;

/**
 * What the server reads for reconciliation and for history.
 *
 * @api
 */
interface OrdersInterface
{
    /**
     * Orders by the time of their last change, and by id within a second.
     *
     * @param string $since RFC 3339, or "YYYY-MM-DD hh:mm:ss" in UTC; orders changed at it or later
     * @param string $until the moment after the last, or empty
     * @param int $afterId of orders changed at "since" itself, those with a higher id alone
     * @param int $limit 1 to 500
     * @return \Upline\Commission\Api\Data\OrderDigestInterface[]
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function changed(string $since, string $until = '', int $afterId = 0, int $limit = 200): array;

    /**
     * One order as it would be told now: the JSON text of docs/plugin-protocol.md.
     *
     * @param int $orderId
     * @return string
     * @throws \Magento\Framework\Exception\NoSuchEntityException
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function get(int $orderId): string;

    /**
     * Some orders as they would be told now; those that are gone are missing.
     *
     * @param string $ids up to 50, parted by commas
     * @return string[]
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function snapshots(string $ids): array;

    /**
     * Puts orders into the outbox again.
     *
     * @param int[] $ids up to 500
     * @return int
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function replay(array $ids): int;
}
