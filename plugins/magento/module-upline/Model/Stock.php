<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\CatalogInventory\Api\StockRegistryInterface;
use Magento\Framework\Module\Manager;
use Magento\Framework\ObjectManagerInterface;
use Magento\Store\Model\StoreManagerInterface;

/**
 * What of a product can be sold: by Multi-Source Inventory where the shop has it, as its modules can be removed, else
 * by the stock item.
 */
class Stock
{
    // phpcs:disable Magento2.PHP.LiteralNamespaces -- by name alone, as composer.json does not require these modules.
    private const RESOLVER = 'Magento\InventorySalesApi\Model\StockByWebsiteIdResolverInterface';
    private const SALABLE = 'Magento\InventorySalesApi\Api\GetProductSalableQtyInterface';
    private const SETTINGS = 'Magento\InventoryConfigurationApi\Api\GetStockItemConfigurationInterface';
    // phpcs:enable Magento2.PHP.LiteralNamespaces

    private const WITHOUT_STOCK = ['bundle', 'configurable', 'grouped'];

    /**
     * @var int[]
     */
    private array $stockIds = [];

    /**
     * @param ObjectManagerInterface $objects for modules that need not be there
     * @param Manager $modules
     * @param StockRegistryInterface $registry
     * @param StoreManagerInterface $stores
     */
    public function __construct(
        private readonly ObjectManagerInterface $objects,
        private readonly Manager $modules,
        private readonly StockRegistryInterface $registry,
        private readonly StoreManagerInterface $stores
    ) {
    }

    /**
     * The quantity that can be sold.
     *
     * @param string $sku
     * @param int $productId
     * @param string $type
     * @param int $websiteId 0 for the default website
     * @return float|null null where nobody counts it
     */
    public function of(string $sku, int $productId, string $type, int $websiteId): ?float
    {
        if (in_array($type, self::WITHOUT_STOCK, true)) {
            return null;
        }
        $websiteId = $websiteId ?: (int) $this->stores->getDefaultStoreView()->getWebsiteId();
        if ($this->modules->isEnabled('Magento_InventorySalesApi') && interface_exists(self::SALABLE)) {
            return $this->salable($sku, $websiteId);
        }
        $item = $this->registry->getStockItem($productId, $websiteId);
        return $item->getManageStock() ? (float) $item->getQty() : null;
    }

    /**
     * What can be sold by Multi-Source Inventory: of all sources of the website's stock, less what is reserved.
     *
     * @param string $sku
     * @param int $websiteId
     * @return float|null
     */
    private function salable(string $sku, int $websiteId): ?float
    {
        $this->stockIds[$websiteId] ??= (int) $this->objects->get(self::RESOLVER)->execute($websiteId)->getStockId();
        $stockId = $this->stockIds[$websiteId];
        try {
            if (!$this->objects->get(self::SETTINGS)->execute($sku, $stockId)->isManageStock()) {
                return null;
            }
            return (float) $this->objects->get(self::SALABLE)->execute($sku, $stockId);
        } catch (\Magento\Framework\Exception\LocalizedException) {
            return 0.0; // No source of this stock holds it.
        }
    }
}
