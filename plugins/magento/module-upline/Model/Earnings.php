<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\App\CacheInterface;
use Magento\Store\Model\StoreManagerInterface;

/**
 * What Upline says of a customer who is a distributor.
 */
class Earnings
{
    /**
     * Seconds: the page shows what is a minute old at most; whether somebody is a distributor changes rarely.
     */
    private const FRESH = 60;
    private const KNOWN = 3600;

    /**
     * @param Server $server
     * @param Connection $connection
     * @param StoreManagerInterface $stores
     * @param CacheInterface $cache
     */
    public function __construct(
        private readonly Server $server,
        private readonly Connection $connection,
        private readonly StoreManagerInterface $stores,
        private readonly CacheInterface $cache
    ) {
    }

    /**
     * Earnings, as section 5 of docs/plugin-protocol.md tells them; null where the server cannot be asked.
     *
     * @param int $customerId
     * @return array<string, mixed>|null
     */
    public function of(int $customerId): ?array
    {
        $connection = $this->connection->at((int) $this->stores->getWebsite()->getId());
        $key = 'upline_earnings_' . $connection->websiteId() . '_' . $customerId;
        $held = json_decode((string) $this->cache->load($key), true);
        if (is_array($held)) {
            return $held;
        }
        if ($connection->hindrance() !== '') {
            return null; // A server that is away makes no customer wait.
        }
        $asked = ['customer_id' => (string) $customerId, 'limit' => 25];
        $response = $this->server->call('earnings', $asked, 3.0, $connection);
        if ($response->status !== 200) {
            return null;
        }
        $this->cache->save((string) json_encode($response->data), $key, [], self::FRESH);
        $this->note($customerId, !empty($response->data['distributor']), self::KNOWN);
        return $response->data;
    }

    /**
     * Whether a customer is a distributor, for the link in the account. The server is asked once an hour; where it
     * cannot be asked, the link is missing for a minute.
     *
     * @param int $customerId
     * @return bool
     */
    public function isDistributor(int $customerId): bool
    {
        $held = $this->cache->load($this->name($customerId));
        if ($held !== false && $held !== '') {
            return $held === 'yes';
        }
        $earnings = $this->of($customerId);
        if ($earnings === null) {
            $this->note($customerId, false, self::FRESH);
        }
        return !empty($earnings['distributor']);
    }

    /**
     * Remembers whether a customer is a distributor.
     *
     * @param int $customerId
     * @param bool $is
     * @param int $seconds
     * @return void
     */
    private function note(int $customerId, bool $is, int $seconds): void
    {
        $this->cache->save($is ? 'yes' : 'no', $this->name($customerId), [], $seconds);
    }

    /**
     * The key of that.
     *
     * @param int $customerId
     * @return string
     */
    private function name(int $customerId): string
    {
        return 'upline_distributor_' . (int) $this->stores->getWebsite()->getId() . '_' . $customerId;
    }
}
