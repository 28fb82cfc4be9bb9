<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\Exception\NoSuchEntityException;
use Magento\Store\Model\StoreManagerInterface;

/**
 * Which website a store view belongs to, and which connection tells its orders.
 */
class Websites
{
    /**
     * @param StoreManagerInterface $stores
     * @param Config $config
     * @param Connection $connection
     */
    public function __construct(
        private readonly StoreManagerInterface $stores,
        private readonly Config $config,
        private readonly Connection $connection
    ) {
    }

    /**
     * The website of a store view; 0 where that was deleted.
     *
     * @param int $storeId
     * @return int
     */
    public function ofStore(int $storeId): int
    {
        try {
            return (int) $this->stores->getStore($storeId)->getWebsiteId();
        } catch (NoSuchEntityException) {
            return 0;
        }
    }

    /**
     * All websites there are, and 0 for that of the admin.
     *
     * @return int[]
     */
    public function all(): array
    {
        return array_values(array_map(
            static fn ($website): int => (int) $website->getId(),
            $this->stores->getWebsites(true)
        ));
    }

    /**
     * The websites whose orders a connection tells: those that have no other of their own and are switched on.
     *
     * @param Connection $connection
     * @return int[]
     */
    public function toldBy(Connection $connection): array
    {
        return array_values(array_filter($this->of($connection), fn (int $id): bool => $this->config->isEnabled($id)));
    }

    /**
     * The websites whose orders are a connection's, switched on or not.
     *
     * @param Connection $connection
     * @return int[]
     */
    public function of(Connection $connection): array
    {
        $isIts = fn (int $id): bool => $this->connection->at($id)->websiteId() === $connection->websiteId();
        return array_values(array_filter($this->all(), $isIts));
    }

    /**
     * The store views of websites.
     *
     * @param int[] $websiteIds
     * @return int[]
     */
    public function stores(array $websiteIds): array
    {
        $ids = [];
        foreach ($this->stores->getStores(true) as $store) {
            if (in_array((int) $store->getWebsiteId(), $websiteIds, true)) {
                $ids[] = (int) $store->getId();
            }
        }
        return $ids;
    }
}
