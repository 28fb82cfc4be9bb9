<?php

declare(strict_types=1);

namespace Upline\Commission\Api;

/**
 * The connection to the server, which the server itself sets once it may call the shop.
 *
 * @api
 */
interface ConnectionInterface
{
    /**
     * Connects this shop, or a website of it, to a store at Upline. A connection from before ends.
     *
     * @param string $server the server's address
     * @param string $storeId the store at Upline
     * @param string $secret signs both directions
     * @param string $identityKey keys the hashes of e-mail addresses
     * @param string $webhookUrl where orders are sent
     * @param string $apiUrl where calls of the protocol are sent
     * @param string $site the site as the server knows it; empty for the shop's base URL
     * @param string $referenceParameter query parameter of the server's share links
     * @param int $aboveSequence the highest sequence the server was ever told by this shop
     * @param int $websiteId 0 for all websites
     * @return \Upline\Commission\Api\Data\StatusInterface
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function open(
        string $server,
        string $storeId,
        string $secret,
        string $identityKey,
        string $webhookUrl,
        string $apiUrl,
        string $site = '',
        string $referenceParameter = 'ref',
        int $aboveSequence = 0,
        int $websiteId = 0
    ): \Upline\Commission\Api\Data\StatusInterface;

    /**
     * How the module stands.
     *
     * @return \Upline\Commission\Api\Data\StatusInterface
     */
    public function status(): \Upline\Commission\Api\Data\StatusInterface;
}
