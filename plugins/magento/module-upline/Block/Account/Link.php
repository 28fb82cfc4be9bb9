<?php

declare(strict_types=1);

namespace Upline\Commission\Block\Account;

use Magento\Customer\Block\Account\SortLink;
use Magento\Customer\Model\Session;
use Magento\Framework\App\DefaultPathInterface;
use Magento\Framework\View\Element\Template\Context;
use Upline\Commission\Model\Config;
use Upline\Commission\Model\Earnings;

/**
 * The link to the earnings; distributors alone see it.
 */
class Link extends SortLink
{
    /**
     * @param Context $context
     * @param DefaultPathInterface $defaultPath
     * @param Earnings $earnings
     * @param Session $session
     * @param Config $config
     * @param array<string, mixed> $data
     */
    public function __construct(
        Context $context,
        DefaultPathInterface $defaultPath,
        private readonly Earnings $earnings,
        private readonly Session $session,
        private readonly Config $config,
        array $data = []
    ) {
        parent::__construct($context, $defaultPath, $data);
    }

    /**
     * @inheritDoc
     */
    // phpcs:ignore PSR2.Methods.MethodDeclaration.Underscore -- the name is Magento's
    protected function _toHtml(): string
    {
        $id = (int) $this->session->getCustomerId();
        $websiteId = (int) $this->_storeManager->getStore()->getWebsiteId();
        $shown = $id > 0 && $this->config->isAccountPageEnabled($websiteId) && $this->earnings->isDistributor($id);
        return $shown ? parent::_toHtml() : '';
    }
}
